// Finance's pages: J, K and Enter in lists, A and R on the review, print and copy. Decides nothing and computes no money.
(function () {
  "use strict";
  const rows = () => Array.from(document.querySelectorAll("[data-rows] tbody tr")).filter((row) => row.querySelector("a[data-open], th a"));
  const link = (row) => row.querySelector("a[data-open]") || row.querySelector("th a");

  function move(step) {
    const all = rows();
    if (!all.length) return false;
    const at = all.findIndex((row) => row.contains(document.activeElement));
    const next = all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + step))];
    link(next).focus();
    next.scrollIntoView({ block: "nearest" });
    return true;
  }

  document.addEventListener("keydown", (event) => {
    const shared = window.dealops;
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || !shared || !shared.singles()) return;
    if (shared.writing(event.target) || document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    if (key === "p" && document.querySelector("[data-print]")) window.print();
    else if ((key === "j" || key === "arrowdown") && move(1)) event.preventDefault();
    else if ((key === "k" || key === "arrowup") && move(-1)) event.preventDefault();
    else if (key.length === 1) shortcut(key, event);
  });

  function shortcut(key, event) {
    const goes = document.querySelector('[data-key="' + CSS.escape(key) + '"]');
    const focuses = document.querySelector('[data-focus="' + CSS.escape(key) + '"]');
    const opens = document.querySelector('[data-key-open="' + CSS.escape(key) + '"]');
    if (focuses) focuses.focus();
    else if (opens) {
      opens.open = true;
      opens.querySelector("textarea").focus();
    } else if (goes && goes.href) window.location.assign(goes.href);
    else return;
    event.preventDefault();
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
    const copies = event.target.closest("[data-copy]");
    if (!copies) return;
    const words = document.getElementById(copies.dataset.copy).textContent.trim();
    navigator.clipboard.writeText(words).then(
      () => window.dealops.toast("Copied"),
      () => window.dealops.toast("The browser does not allow copying here. Select the text instead.", { kind: "bad" })
    );
  });

  const problem = document.getElementById("problem");
  if (problem) problem.focus();
})();
