// What every page shares: menus, dialogs, the command palette, shortcuts, spoken status and toasts. Computes no money.
(function () {
  "use strict";

  const root = document.documentElement;
  const $ = (selector, inside) => (inside || document).querySelector(selector);
  const $$ = (selector, inside) => Array.from((inside || document).querySelectorAll(selector));

  // --- spoken status and toasts: dealops.say("..."), dealops.toast("...", {kind: "bad", undo: function}) -------------------
  function say(words) {
    const live = $("#live");
    live.textContent = "";
    window.setTimeout(() => (live.textContent = words), 30);
  }

  function toast(words, options) {
    const given = options || {};
    const box = document.createElement("div");
    box.className = "do-toast do-toast-" + (given.kind || "ok");
    const text = document.createElement("span");
    text.textContent = words;
    box.append(text);
    const gone = () => box.remove();
    if (given.undo) box.append(button("Undo", "do-button do-button-small", () => (gone(), given.undo())));
    const close = button("", "do-icon-button", gone);
    close.setAttribute("aria-label", "Dismiss");
    close.textContent = "×";
    box.append(close);
    $("#toasts").append(box);
    say(words);
    window.setTimeout(gone, given.kind === "bad" ? 20000 : 10000);
    return box;
  }

  function button(words, names, action) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = names;
    made.textContent = words;
    made.addEventListener("click", action);
    return made;
  }

  // What a page opens with is not read aloud, least of all above the part one comes back to: there the reply is put in once more.
  if (window.location.hash) {
    $$(".do-messages [role] > div").forEach((words) => {
      const said = Array.from(words.childNodes);
      words.replaceChildren();
      window.setTimeout(() => words.replaceChildren(...said), 100);
    });
  }

  // What Enter would do first. The page stays at its top, unlike with autofocus: one reads before one answers.
  const first = $("[data-focus]");
  if (first) first.focus({ preventScroll: true });

  // Any form of the page carries the token; the cookie is not readable.
  function csrf() {
    const field = $("input[name=csrfmiddlewaretoken]");
    return field ? field.value : "";
  }

  // --- menus: one open at a time, closed by Esc and by a click elsewhere -----------------------------------------------------
  document.addEventListener("click", (event) => {
    $$("details.do-menu[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    $$("details.do-menu[open]").forEach((menu) => {
      menu.open = false;
      $("summary", menu).focus();
    });
    sidebar(false);
  });

  // --- tabs that do not fit: the present one is in view ---------------------------------------------------------------------
  $$(".do-tabs [aria-current]").forEach((tab) => (tab.parentElement.scrollLeft = tab.offsetLeft - tab.parentElement.offsetLeft - 32));

  // --- theme -------------------------------------------------------------------------------------------------------------------
  function showTheme() {
    $$("[data-theme]").forEach((choice) => choice.setAttribute("aria-pressed", String(choice.dataset.theme === window.dealopsTheme.chosen())));
  }
  $$("[data-theme]").forEach((choice) =>
    choice.addEventListener("click", () => {
      window.dealopsTheme.choose(choice.dataset.theme);
      showTheme();
    })
  );
  showTheme();

  // --- the navigation on small screens ------------------------------------------------------------------------------------------
  function sidebar(open) {
    const opener = $("[data-sidebar=open]");
    if (!opener || root.classList.contains("do-sidebar-is-open") === open) return;
    root.classList.toggle("do-sidebar-is-open", open);
    opener.setAttribute("aria-expanded", String(open));
    if (open) $("#sidebar a").focus();
    else opener.focus();
  }
  $$("[data-sidebar]").forEach((control) => control.addEventListener("click", () => sidebar(control.dataset.sidebar === "open")));

  // --- dialogs ---------------------------------------------------------------------------------------------------------------------
  // Not showModal(): it makes the whole page inert, for which the browser restyles every element, once on opening and once on closing.
  // What it gives is done here instead: a shade takes the clicks, Tab stays inside, Esc closes, the focus returns where it was.
  const layer = () => $("dialog.do-layer[open]:not(:modal)");
  const STOPS = "a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), textarea:not(:disabled), summary, [tabindex='0']";

  function show(dialog) {
    if (!dialog || dialog.open) return;
    sidebar(false);
    if (layer()) layer().close();
    dialog.show();
    dialog.dispatchEvent(new CustomEvent("opened"));
  }
  const open = (id) => show(document.getElementById(id));

  document.addEventListener("keydown", (event) => {
    const shown = ["Tab", "Escape"].includes(event.key) && !event.isComposing && !$("dialog:modal") && layer();
    if (!shown) return;
    if (event.key === "Escape") shown.close();
    else if (!turn(shown, event.shiftKey)) return;
    event.preventDefault();
  });

  // From the last stop on to the first and back; answers whether it had to.
  function turn(dialog, backwards) {
    const stops = $$(STOPS, dialog).filter((stop) => stop.checkVisibility());
    const [from, to] = backwards ? [stops[0], stops.at(-1)] : [stops.at(-1), stops[0]];
    if (document.activeElement !== from && dialog.contains(document.activeElement)) return false;
    to.focus();
    return true;
  }
  // However else the focus got behind the shade, it comes back.
  document.addEventListener("focusin", (event) => {
    const shown = !event.target.closest("dialog[open]") && layer();
    if (shown) turn(shown, false);
  });

  // A press on the shade leaves the focus inside, so that closing can give it back.
  document.addEventListener("mousedown", (event) => event.target.matches(".do-shade") && event.preventDefault());
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) open(opener.dataset.opens);
    const closer = event.target.closest("[data-closes]");
    if (closer) closer.closest("dialog").close();
    if (event.target.matches("dialog.do-dialog:modal")) event.target.close();
    if (event.target.matches(".do-shade")) event.target.previousElementSibling.close();
  });

  // --- command palette: arrows move, Enter opens ---------------------------------------------------------------------------------------
  const palette = $("#palette");
  if (palette) {
    const input = $("#palette-input");
    const results = $("#palette-results");
    let waiting = 0;
    let asked = 0;

    const options = () => $$("[role=option][data-href]", results);
    const current = () => $("[aria-selected=true]", results);
    // The pages of deals, changes, documents this person opened last in this browser, newest first.
    const mine = "dealopsRecent:" + ($(".do-user summary") ? $(".do-user summary").getAttribute("aria-label") : "");
    const known = () => {
      try {
        return JSON.parse(localStorage.getItem(mine) || "[]");
      } catch {
        return [];
      }
    };
    const path = window.location.pathname;
    if (/^\/(deals|changes|approvals|documents|future-invoices|signals)\/[A-Z0-9-]+$/.test(path) && $("h1") && !$(".do-problem")) {
      const words = $("h1").textContent.trim().replace(/\s+/g, " ").slice(0, 120);
      const others = known().filter((each) => each.path !== path);
      localStorage.setItem(mine, JSON.stringify([{ path, words }, ...others].slice(0, 8)));
    }
    const recents = () =>
      known()
        .filter((each) => each.path !== path)
        .slice(0, 5)
        .map((each, place) => {
          const option = document.createElement("div");
          option.className = "do-result do-result-recent";
          option.id = "recent-" + place;
          option.dataset.href = each.path;
          option.setAttribute("role", "option");
          option.setAttribute("aria-selected", "false");
          const box = document.createElement("span");
          const strong = document.createElement("strong");
          const small = document.createElement("small");
          strong.textContent = each.words;
          small.textContent = "Opened lately · " + each.path.split("/").pop();
          box.append(strong, small);
          option.append(box);
          return option;
        });
    const select = (option) => {
      options().forEach((each) => each.setAttribute("aria-selected", String(each === option)));
      if (option) {
        input.setAttribute("aria-activedescendant", option.id);
        option.scrollIntoView({ block: "nearest" });
      } else {
        input.removeAttribute("aria-activedescendant");
      }
    };
    const look = () => {
      const number = ++asked;
      fetch(input.dataset.search + "?q=" + encodeURIComponent(input.value) + "&here=" + encodeURIComponent(window.location.pathname), { headers: { "X-Requested-With": "fetch" } })
        .then((answer) => (answer.ok ? answer.text() : Promise.reject(answer.status)))
        .then((html) => {
          if (number !== asked) return;
          results.innerHTML = html;
          if (!input.value.trim()) results.prepend(...recents());
          select(options()[0]);
          say(options().length === 1 ? "1 result" : options().length + " results");
        })
        .catch(() => {
          if (number === asked) results.textContent = "The search does not answer. Reload the page or try again in a moment.";
        });
    };
    palette.addEventListener("opened", () => {
      input.select();
      look();
    });
    input.addEventListener("input", () => {
      window.clearTimeout(waiting);
      waiting = window.setTimeout(look, 150);
    });
    input.addEventListener("keydown", (event) => {
      const all = options();
      const at = all.indexOf(current());
      if (event.key === "ArrowDown") select(all[Math.min(at + 1, all.length - 1)]);
      else if (event.key === "ArrowUp") select(all[Math.max(at - 1, 0)]);
      else if (event.key === "Escape") palette.close(); // the field alone would only empty itself
      else if (event.key === "Enter" && current()) window.location.assign(current().dataset.href);
      else return;
      event.preventDefault();
    });
    results.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option][data-href]");
      if (option) window.location.assign(option.dataset.href);
    });
  }

  // --- shortcuts: single keys can be switched off (WCAG 2.1.4) and never act inside a field --------------------------------------------
  const places = { h: "home", b: "board", c: "changes", a: "approvals", d: "documents", f: "future-invoices", n: "notifications", s: "signals" };
  // `g` waits for its second key however long that takes (WCAG 2.2.1); any other key or a click ends the wait.
  let going = false;
  const singles = () => localStorage.getItem("dealopsSingleKeys") !== "off";
  // The field of a dialog that was just closed keeps the focus until the next frame is drawn; nobody writes in it any more.
  const writing = (element) => element.matches("input, textarea, select, [contenteditable=true]") && !element.closest("dialog:not([open])");
  const box = $("#single-keys");
  if (box) {
    box.checked = singles();
    box.addEventListener("change", () => localStorage.setItem("dealopsSingleKeys", box.checked ? "on" : "off"));
  }
  Object.assign(places, { e: "deals", s: "signals", p: "plays", k: "kpis", y: "sync", l: "audit" });
  document.addEventListener("pointerdown", () => (going = false));
  document.addEventListener("keydown", (event) => {
    const went = going;
    if (event.key !== "Shift") going = false;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open("palette");
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || writing(event.target) || !singles() || $("dialog[open]")) return;
    if (event.key === "/") open("palette");
    else if (event.key === "?") open("help");
    else if (event.key === ">") {
      open("palette");
      const input = $("#palette-input");
      input.value = ">";
      input.dispatchEvent(new Event("input"));
    } else if (event.key === "g") going = true;
    else if (went && places[event.key]) {
      const link = $('#sidebar a[href^="/' + places[event.key] + '"]');
      if (link) window.location.assign(link.href);
    } else if (event.key === "l" && $('#sidebar a[href="/signals"]')) {
      // The page says whose it is, so that nobody has to look for the customer.
      const about = $("[data-account]");
      window.location.assign("/signals/log" + (about ? "?account=" + encodeURIComponent(about.dataset.account) : ""));
    } else return;
    event.preventDefault();
  });

  // --- forms: one click sends once -----------------------------------------------------------------------------------------------------------
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.dataset.sent) event.preventDefault();
    else form.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", () => $$("form[data-sent]").forEach((form) => delete form.dataset.sent));

  // --- htmx carries the token, and says so when the server does not answer -------------------------------------------------------------------
  document.addEventListener("htmx:configRequest", (event) => (event.detail.headers["X-CSRFToken"] = csrf()));
  document.addEventListener("htmx:sendError", () => toast("The server does not answer. Your input is still here; try again in a moment.", { kind: "bad" }));

  window.dealops = { say, toast, csrf, singles, writing, show };
})();
