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

  const problem = document.getElementById("problem");
  if (problem) problem.focus();
})();
