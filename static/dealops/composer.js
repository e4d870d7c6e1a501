// The composer's live preview, and the key C on the deal page. The server computes every amount; this file only asks and shows.
(function () {
  "use strict";

  const $ = (selector, inside) => (inside || document).querySelector(selector);
  const $$ = (selector, inside) => Array.from((inside || document).querySelectorAll(selector));
  const PAUSE = 300;

  // --- single keys: an element says which key presses it ------------------------------------------------------------------
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const frame = window.dealops;
    if (!frame || frame.writing(event.target) || !frame.singles() || $("dialog[open]")) return;
    const target = $('[data-key="' + CSS.escape(event.key) + '"]');
    if (!target) return;
    event.preventDefault();
    const fold = target.closest("details[data-focus]");
    if (fold && !fold.open) unfold(fold);
    else target.click();
  });

  // What a key opens takes the very next words: the event that follows opening comes too late for who types quickly.
  function unfold(fold) {
    fold.open = true;
    $("textarea", fold).focus();
  }
  $$("details[data-focus]").forEach((fold) => fold.addEventListener("toggle", () => fold.open && unfold(fold)));

  const form = $("#composer");
  if (!form) return;
  const panel = $("[data-preview-panel]");

  // --- what needs scripts is hidden until they run -----------------------------------------------------------------------------
  $$("[hidden][data-step], [hidden][data-day], [hidden][data-more]", form).forEach((button) => (button.hidden = false));

  // --- steppers: buttons, and Alt with an arrow inside the field -----------------------------------------------------------------
  function step(input, by) {
    const now = Number(input.value);
    if (!Number.isFinite(now)) return;
    input.value = String(Math.max(0, now + by));
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-step]");
    if (button) step($("[data-stepper]", button.parentElement), Number(button.dataset.step));
    const day = event.target.closest("[data-day]");
    if (day) {
      $("#effective").value = day.dataset.day;
      $("#effective").dispatchEvent(new Event("input", { bubbles: true }));
    }
    const goes = event.target.closest("[data-goes]");
    if (goes) {
      event.preventDefault();
      const field = document.getElementById(goes.getAttribute("href").slice(1));
      if (!field) return;
      const fold = field.closest("details");
      if (fold) fold.open = true;
      field.focus();
      if (field.select) field.select();
    }
    if (event.target.closest("[data-more]")) another();
  });
  form.addEventListener("keydown", (event) => {
    if (event.altKey && event.target.matches("[data-stepper]") && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      event.preventDefault();
      step(event.target, event.key === "ArrowUp" ? 1 : -1);
    }
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      const button = $("button[value=submit]", form);
      if (button && !button.disabled) button.click();
    }
  });

  // --- one more product: the last row again, blank ----------------------------------------------------------------------------------
  function another() {
    const rows = $$("[data-add]", form);
    if (rows.length >= 8) return;
    const last = rows[rows.length - 1];
    const old = /^add-(\d+)-/.exec($("select", last).name)[1];
    const copy = last.cloneNode(true);
    const fresh = String(Number(old) + 1);
    copy.innerHTML = copy.innerHTML.replaceAll("add-" + old + "-", "add-" + fresh + "-");
    $("select", copy).selectedIndex = 0;
    last.after(copy);
    $("select", copy).focus();
  }

  // --- what a removed line, or a treatment nobody needs, hides -------------------------------------------------------------------------
  function tidy() {
    $$("[data-line]", form).forEach((line) => {
      const gone = $("[name^=remove-]", line).checked;
      line.classList.toggle("is-removed", gone);
      $$("[data-stepper], select, [data-step]", line).forEach((field) => (field.disabled = gone));
    });
    const facts = $("[data-facts]", panel);
    const shrinks = $("#treatment").value !== "" || (facts !== null && facts.dataset.shrinks === "yes");
    $("#treatment-block").hidden = !shrinks;
    $("#waiver-block").hidden = $("#treatment").value !== "no_adjustment";
  }

  // --- the live preview: debounced, one answer at a time, a late answer never replaces a newer one ---------------------------------------
  let timer = 0;
  let asked = 0;
  let shown = 0;
  let request = null;

  function changed() {
    window.clearTimeout(timer);
    asked += 1;
    panel.setAttribute("aria-busy", "true");
    timer = window.setTimeout(ask, PAUSE);
  }

  // The panel holds the buttons. Replaced between press and release, the pressed one would be gone and the click with it.
  let released = Promise.resolve();
  panel.addEventListener("pointerdown", () => {
    released = new Promise((done) => ["pointerup", "pointercancel"].forEach((end) => window.addEventListener(end, () => window.setTimeout(done), { once: true })));
  });

  function ask() {
    window.clearTimeout(timer);
    const number = asked;
    if (request) request.abort();
    request = new AbortController();
    return fetch(form.dataset.preview, { method: "POST", body: new FormData(form), signal: request.signal, headers: { "X-Requested-With": "fetch" } })
      .then((answer) => (answer.redirected || !answer.ok ? Promise.reject(answer) : answer.text()))
      .then((html) => released.then(() => html))
      .then((html) => {
        if (number !== asked) return false;
        show(html);
        shown = number;
        panel.setAttribute("aria-busy", "false");
        keep();
        return true;
      })
      .catch((problem) => {
        if (problem.name === "AbortError" || number !== asked) return false;
        panel.setAttribute("aria-busy", "false");
        trouble(problem);
        return false;
      });
  }

  function show(html) {
    const answer = new DOMParser().parseFromString(html, "text/html");
    const fresh = $("[data-preview-panel]", answer);
    const focused = document.activeElement && panel.contains(document.activeElement) ? document.activeElement : null;
    const opened = $$("details[open]", panel).map((detail) => detail.dataset.name);
    panel.replaceChildren(...fresh.childNodes);
    opened.forEach((name) => {
      const detail = $('details[data-name="' + CSS.escape(name || "") + '"]', panel);
      if (detail) detail.open = true;
    });
    if (focused && focused.value) {
      const again = $('button[value="' + CSS.escape(focused.value) + '"]', panel);
      if (again) again.focus();
    }
    $$("[data-part]", answer).forEach((part) => {
      const place = $('[data-part="' + CSS.escape(part.dataset.part) + '"]', form);
      if (place && !panel.contains(place)) place.replaceChildren(...part.childNodes);
    });
    errors($$("[data-problem]", answer));
    tidy();
    $$("[data-error]:not([hidden])", form).forEach((place) => {
      const fold = place.closest("details");
      if (fold) fold.open = true;
    });
    const words = $("[data-said]", panel);
    if (words) window.dealops.say(words.textContent.trim());
  }

  function errors(problems) {
    const sentences = new Map(problems.map((problem) => [problem.dataset.problem, problem.textContent.trim()]));
    $$("[data-error]", form).forEach((place) => {
      const words = sentences.get(place.dataset.error) || "";
      place.hidden = !words;
      $("span", place).textContent = words;
      const field = document.getElementById(place.dataset.error);
      if (field) field.toggleAttribute("aria-invalid", Boolean(words));
      if (field && words) field.setAttribute("aria-invalid", "true");
    });
  }

  function trouble(problem) {
    if (!navigator.onLine) return; // the bar says so, and the amounts come when the network does
    if (problem instanceof TypeError) window.dealops.toast("The server does not answer. Your input is still here; the amounts shown are older.", { kind: "bad" });
    else if (problem.redirected || problem.status === 403) window.dealops.toast("You are no longer signed in. Sign in in another tab, then change something here again; your input is kept.", { kind: "bad" });
    else window.dealops.toast("The amounts could not be computed just now. Change something to try again; your input is kept.", { kind: "bad" });
  }

  form.addEventListener("input", () => (tidy(), changed()));
  window.addEventListener("online", changed);
  form.addEventListener("change", (event) => {
    if (event.target.matches("select, [type=checkbox]")) tidy();
  });

  // --- a draft that exists is kept while one types ------------------------------------------------------------------------------------------
  let pause = 0;
  let saving = null;
  function keep() {
    if (!form.elements.draft.value || !$("[data-facts]", panel)) return;
    window.clearTimeout(pause);
    pause = window.setTimeout(save, 1500);
  }
  function tell(words) {
    const place = $("[data-saved]");
    if (place) place.textContent = words;
  }
  function save() {
    const body = new FormData(form);
    body.set("act", "keep");
    saving = fetch(form.action, { method: "POST", body, headers: { "X-Requested-With": "fetch" } })
      .then((answer) => (answer.ok && !answer.redirected ? answer.json() : Promise.reject(answer)))
      .then((saved) => {
        $$("form [name=version]").forEach((field) => (field.value = saved.version));
        tell(saved.words);
      })
      .catch(() => tell("Not saved. Press Save draft to see why."))
      .finally(() => (saving = null));
  }

  // --- only amounts that were shown are sent; a draft being saved is waited for ------------------------------------------------------------------
  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    window.clearTimeout(pause);
    if (saving) {
      event.preventDefault();
      saving.finally(() => form.requestSubmit(button));
    } else if (button && button.value === "submit" && shown !== asked) {
      event.preventDefault();
      ask().then((answered) => {
        if (answered) window.dealops.toast("The amounts were just brought up to date. Look at them, then press the button again.");
      });
    }
  });

  tidy();
  shown = asked;
})();
