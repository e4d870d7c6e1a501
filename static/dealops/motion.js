// Signals: J and K move between cards, Q qualifies, S puts off, D dismisses; Ctrl-Enter sends a form that says so. Decides nothing.
(function () {
  "use strict";
  const cards = () => Array.from(document.querySelectorAll("[data-card]"));
  const current = () => cards().find((card) => card.contains(document.activeElement)) || (cards().length === 1 ? cards()[0] : null);

  function move(step) {
    const all = cards();
    if (!all.length) return false;
    const at = all.indexOf(current());
    const next = all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + step))];
    next.querySelector("[data-open]").focus();
    next.scrollIntoView({ block: "nearest" });
    return true;
  }

  function act(key) {
    const card = current();
    const target = card && card.querySelector('[data-act="' + CSS.escape(key) + '"]');
    if (!target) return false;
    if (target.tagName === "DETAILS") {
      target.open = true;
      target.querySelector("input:not([type=hidden]), textarea").focus();
    } else target.click();
    return true;
  }

  // Amounts of an offer that could not be computed anew are not left standing beside what they do not belong to.
  ["htmx:responseError", "htmx:sendError"].forEach((failed) =>
    document.addEventListener(failed, (event) => {
      const panel = event.target.closest(".of-preview") && event.target.querySelector("section");
      if (!panel) return;
      const words = document.createElement("p");
      words.className = "do-panel-body do-muted";
      words.textContent = "The amounts could not be computed just now. Try again in a moment; your input is still here.";
      panel.classList.remove("of-preview-none");
      panel.replaceChildren(panel.firstElementChild, words);
    })
  );

  document.addEventListener("keydown", (event) => {
    const shared = window.dealops;
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      const form = event.target.closest("form[data-ctrl-enter]");
      if (form) form.requestSubmit();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || !shared || !shared.singles()) return;
    if (shared.writing(event.target) || document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    if ((key === "j" && move(1)) || (key === "k" && move(-1)) || ("qsd".includes(key) && act(key))) event.preventDefault();
  });

  // The builder of plays: the rule in one sentence follows what is chosen, and its fields can be put into the reason.
  const play = document.querySelector("form[data-play]");
  const chosen = (select) => (select && select.selectedIndex >= 0 ? select.options[select.selectedIndex].text.trim() : "");

  // A field as the subject of a sentence.
  const subject = (select) => select.options[select.selectedIndex].dataset.phrase || chosen(select);

  function said(kind, none) {
    const rows = Array.from(play.querySelectorAll('[data-condition="' + kind + '"]')).filter((row) => row.querySelector("select").value);
    const words = rows.map((row) => {
      const value = row.querySelector('[name="' + kind + '_value"]').value.trim();
      const [field, op] = row.querySelectorAll("select");
      return value === "yes" || (!value && op.value === "=") ? subject(field) : subject(field) + " " + chosen(op) + " " + (value || "…");
    });
    return words.join(" and ") || none;
  }

  function put(name, words) {
    const place = play.querySelector('[data-said="' + name + '"]');
    if (place && place.textContent !== words) place.textContent = words;
  }

  function aloud() {
    put("static", said("static", "(choose who)"));
    put("live", said("live", "(choose when)"));
    for (const name of ["mechanism", "product"]) put(name, chosen(play.elements[name]));
    for (const name of ["health", "cool_down_days"]) put(name, play.elements[name].value.trim() || "…");
    const names = ["customer", ...Array.from(play.querySelectorAll("[data-condition] > select:first-child"), (select) => select.value).filter(Boolean)];
    const words = play.querySelector("[data-words]");
    if (words.dataset.names === names.join()) return;
    words.dataset.names = names.join();
    words.replaceChildren(...[...new Set(names)].map((name) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "do-button do-button-small";
      button.dataset.word = "{" + name + "}";
      button.textContent = button.dataset.word;
      return button;
    }));
    words.hidden = false;
  }

  if (play) {
    play.addEventListener("input", aloud);
    play.addEventListener("change", aloud);
    play.addEventListener("click", (event) => {
      const button = event.target.closest("[data-word]");
      if (!button) return;
      const field = play.elements.because;
      field.setRangeText(button.dataset.word, field.selectionStart, field.selectionEnd, "end");
      field.focus();
    });
    aloud();
  }

  const problem = document.getElementById("problem");
  if (problem) problem.focus();
})();
