// Lists: choosing rows by mouse and keyboard, a look at a row beside the list, sort and columns. Computes no money.
(function () {
  "use strict";
  const form = document.getElementById("bulk-form");
  const table = document.querySelector("[data-rows]");
  const boxes = () => Array.from(document.querySelectorAll("[data-rows] input[name=pick]"));
  const all = form && form.querySelector("[data-all]");
  let last = null;
  let adding = 0;
  let asked = 0;

  // --- the selection: boxes, ranges with Shift, everything that matches ------------------------------------------------------
  function show() {
    if (!form) return;
    const picked = boxes().filter((box) => box.checked).length;
    const matching = Number(form.dataset.matching);
    boxes().forEach((box) => box.closest("tr").classList.toggle("is-picked", box.checked));
    const everything = all.value === "yes";
    form.classList.toggle("is-empty", !picked && !everything);
    form.querySelector("[data-count]").textContent = everything ? "All " + matching + (matching > 10000 ? "+" : "") + " matching selected" : picked + " selected";
    const page = document.querySelector("[data-pick-page]");
    if (page) {
      page.checked = picked > 0 && picked === boxes().length;
      page.indeterminate = picked > 0 && picked < boxes().length;
    }
    const button = form.querySelector("[data-select-all]");
    if (button) button.hidden = everything;
    window.clearTimeout(adding);
    adding = window.setTimeout(() => addUp(picked, everything), 150);
  }

  // --- what the selection amounts to, asked of the server ----------------------------------------------------------------------
  function addUp(picked, everything) {
    const place = form.querySelector("[data-amounts]");
    if (!("sum" in form.dataset) || (!picked && !everything)) return void (place.textContent = "");
    const number = ++asked;
    const query = new URLSearchParams(form.querySelector("[name=query]").value);
    if (everything) query.set("all", "yes");
    else boxes().forEach((box) => box.checked && query.append("pick", box.value));
    fetch(form.dataset.sum + "?" + query, { headers: { "X-Requested-With": "fetch" } })
      .then((answer) => (answer.ok && !answer.redirected ? answer.text() : ""))
      .catch(() => "")
      .then((words) => number === asked && (place.textContent = words));
  }

  function pick(box, on, range) {
    const list = boxes();
    const from = range && last ? list.indexOf(last) : list.indexOf(box);
    const to = list.indexOf(box);
    list.slice(Math.min(from, to), Math.max(from, to) + 1).forEach((each) => (each.checked = on));
    last = box;
    all.value = "";
    show();
    window.dealops.say(form.querySelector("[data-count]").textContent);
  }

  if (form && table) {
    table.addEventListener("click", (event) => {
      const box = event.target.closest("input[name=pick]");
      if (box) pick(box, box.checked, event.shiftKey);
      if (event.target.matches("[data-pick-page]")) {
        boxes().forEach((each) => (each.checked = event.target.checked));
        all.value = "";
        show();
      }
    });
    form.addEventListener("click", (event) => {
      if (event.target.closest("[data-select-all]")) {
        boxes().forEach((each) => (each.checked = true));
        all.value = "yes";
      } else if (event.target.closest("[data-select-none]")) {
        boxes().forEach((each) => (each.checked = false));
        all.value = "";
      } else return;
      show();
      window.dealops.say(form.querySelector("[data-count]").textContent);
    });
    show();
    // The browser may restore ticks when somebody comes back.
    window.addEventListener("pageshow", show);
  }

  // --- columns: the ticked boxes become one parameter ---------------------------------------------------------------------------
  const sort = document.querySelector(".li-sort");
  if (sort)
    sort.addEventListener("submit", () => {
      const ticked = Array.from(sort.querySelectorAll("input[name=column]"));
      const field = document.createElement("input");
      field.type = "hidden";
      field.name = "columns";
      field.value = ticked.filter((box) => box.checked).map((box) => box.value).join(",");
      ticked.forEach((box) => (box.disabled = true));
      sort.append(field);
    });

  // A download leaves the page as it is, so the form may be sent again.
  document.querySelectorAll("form[data-download]").forEach((download) => download.addEventListener("submit", () => window.setTimeout(() => delete download.dataset.sent, 1500)));

  // --- peek: the row beside the list; the address keeps it ---------------------------------------------------------------------
  const panel = document.getElementById("peek");
  const rowOf = (element) => element.closest("[data-rows] tbody tr[data-pk]");

  function address(pk) {
    const here = new URL(window.location);
    if (pk) here.searchParams.set("peek", pk);
    else here.searchParams.delete("peek");
    window.history.replaceState(null, "", here);
  }

  function peek(pk) {
    const key = table.dataset.list;
    const query = new URLSearchParams(window.location.search);
    fetch("/lists/" + key + "/peek/" + pk + "?" + query, { headers: { "X-Requested-With": "fetch" } })
      .then((answer) => (answer.ok ? answer.text() : Promise.reject(answer.status)))
      .then((html) => {
        document.getElementById("peek-body").innerHTML = html;
        if (!panel.open) panel.showModal();
        address(pk);
      })
      .catch(() => window.dealops.toast("This row is no longer in the list. Reload the page.", { kind: "bad" }));
  }

  if (panel && table) {
    panel.addEventListener("close", () => address(""));
    const wanted = new URLSearchParams(window.location.search).get("peek");
    if (wanted && /^\d{1,18}$/.test(wanted)) peek(wanted);
  }

  const addressOf = (row) => (row.querySelector("a[data-open], th a") || { getAttribute: () => "" }).getAttribute("href");

  // --- E edits, X picks, Shift-X a range, Space peeks, Esc lets go; J and K are finance.js's -----------------------------------------------
  document.addEventListener("keydown", (event) => {
    const shared = window.dealops;
    if (event.ctrlKey || event.metaKey || event.altKey || !shared || !shared.singles()) return;
    if (panel && panel.open && event.key === " " && !event.target.matches("a, button")) {
      event.preventDefault();
      panel.close();
      return;
    }
    if (event.target.matches("textarea, select, [contenteditable=true], input:not([type=checkbox])") || document.querySelector("dialog[open]")) return;
    const row = rowOf(event.target);
    if (!row) return;
    const box = row.querySelector("input[name=pick]");
    if (event.key.toLowerCase() === "x" && box) {
      pick(box, event.shiftKey ? true : !box.checked, event.shiftKey);
      event.preventDefault();
    } else if (event.key.toLowerCase() === "e" && /^\/deals\/[A-Z0-9-]+$/.test(addressOf(row))) {
      window.location.assign(addressOf(row) + "/change");
      event.preventDefault();
    } else if (event.key === " " && panel && event.target.matches("a")) {
      peek(row.dataset.pk);
      event.preventDefault();
    }
  });
})();
