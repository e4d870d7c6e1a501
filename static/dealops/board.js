// The board: drag (SortableJS), the Move menu, and keys. Every way ends in one POST with the deal's version; a refusal puts the card back.
(function () {
  "use strict";
  const board = document.getElementById("board");
  const { say, toast, csrf, singles, writing, show } = window.dealops;
  const $ = (selector, inside) => (inside || document).querySelector(selector);
  const $$ = (selector, inside) => Array.from((inside || document).querySelectorAll(selector));

  // --- phone: one stage at a time ------------------------------------------------------------------------------------------
  const chooser = $("#stage-switch");
  chooser.addEventListener("change", () => {
    $$(".do-column", board).forEach((column) => column.classList.toggle("is-shown", column.dataset.column === chooser.value));
    const address = new URL(window.location);
    address.searchParams.set("stage", chooser.value);
    window.history.replaceState(null, "", address);
  });
  $$("form[data-auto-submit]").forEach((form) => form.addEventListener("change", () => form.requestSubmit()));
  $$(".do-without-script").forEach((element) => element.remove());

  function tidy() {
    $$(".do-column", board).forEach((column) => column.classList.toggle("do-column-empty", !$(".do-card", column)));
    $$("option", chooser).forEach((option) => {
      const column = $('.do-column[data-column="' + option.value + '"]', board);
      option.textContent = $("h2", column).firstChild.textContent.trim() + " (" + $(".do-column-count", column).firstChild.textContent.trim() + ")";
    });
  }
  window.dealops.tidyBoard = tidy;
  window.dealops.movedHere = new Set(); // deals this person moved: no news to them

  if (!("mayMove" in board.dataset)) return;

  // --- what is known of the stages ---------------------------------------------------------------------------------------------
  const stages = JSON.parse($("#stages").textContent);
  const stage = (id) => stages.find((each) => each.id === Number(id));
  const columnOf = (card) => card.closest(".do-column");
  const columnFor = (stageId) => $$(".do-column", board).find((column) => column.dataset.stages.split(" ").includes(String(stageId)));
  const list = (column) => $(".do-cards-list", column);

  // The stage a card would get in this column: its own pipeline's first, so that "All" moves within the pipeline.
  function stageIn(column, card) {
    const here = column.dataset.stages.split(" ").map(stage);
    const own = stage(card.dataset.stage).pipeline;
    return here.find((each) => each.pipeline === own) || here.find(() => here.length === 1);
  }

  // --- the one way to the server -----------------------------------------------------------------------------------------------------
  // One move of a card at a time: a second key press waits for the version that the first one brings back.
  const under = new WeakMap();
  function inTurn(card, action) {
    const turn = (under.get(card) || Promise.resolve()).then(action);
    under.set(card, turn);
    return turn;
  }

  function send(card, target) {
    return inTurn(card, () => post(card, target, { column: columnOf(card), next: card.nextElementSibling, stage: card.dataset.stage }));
  }

  function post(card, target, from, undone) {
    const column = columnFor(target.id);
    if (column && columnOf(card) !== column) keepFocus(card, () => list(column).prepend(card));
    card.classList.add("is-moving");
    card.dataset.stage = target.id;
    window.dealops.movedHere.add(card.dataset.deal);
    const body = new URLSearchParams({ deal: card.dataset.deal, stage: target.id, version: card.dataset.version, pipeline: board.dataset.pipeline });
    return fetch(board.dataset.move + "?" + board.dataset.query, {
      method: "POST",
      headers: { "X-CSRFToken": csrf(), Accept: "application/json" },
      body,
    })
      .then((answer) => answer.json().then((said) => (answer.ok ? said : Promise.reject(said))))
      .then((said) => {
        card.dataset.version = said.version;
        Object.entries(said.heads).forEach(([code, html]) => {
          const totals = $('.do-column[data-column="' + code + '"] .do-column-totals', board);
          if (totals) totals.innerHTML = html;
        });
        if (!column) card.remove();
        tidy();
        toast(said.message, undone ? {} : { undo: () => takeBack(card, from, target) });
      })
      .catch((said) => {
        card.dataset.stage = from.stage;
        keepFocus(card, () => list(from.column).insertBefore(card, from.next && from.next.parentNode === list(from.column) ? from.next : null));
        tidy();
        card.classList.add("is-refused");
        window.setTimeout(() => card.classList.remove("is-refused"), 1200);
        const refused = !(said instanceof Error) && (said.message || said.detail);
        toast(refused || "The server does not answer. The card is back where it was.", { kind: "bad" });
      })
      .finally(() => card.classList.remove("is-moving"));
  }

  // Taking a card out of one column to put it into another takes the focus away from it.
  function keepFocus(card, action) {
    const focused = card.contains(document.activeElement) ? document.activeElement : null;
    action();
    if (focused) focused.focus();
  }

  // A card that left for another pipeline comes back into the column it was in.
  function takeBack(card, from, target) {
    return inTurn(card, () => {
      if (!card.isConnected) list(from.column).prepend(card);
      return post(card, stage(from.stage), { column: columnOf(card), next: card.nextElementSibling, stage: String(target.id) }, true);
    });
  }

  // --- drag -------------------------------------------------------------------------------------------------------------------------------
  $$(".do-cards-list", board).forEach((cards) => {
    window.Sortable.create(cards, {
      group: "board",
      draggable: ".do-card",
      filter: "a, button",
      preventOnFilter: false,
      sort: false,
      delay: 150,
      delayOnTouchOnly: true,
      animation: window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 120,
      ghostClass: "is-ghost",
      onStart: () => board.classList.add("is-dragging"),
      onEnd: (event) => {
        board.classList.remove("is-dragging");
        if (event.from === event.to) return;
        const card = event.item;
        const from = { column: event.from.closest(".do-column"), next: event.from.children[event.oldIndex] || null, stage: card.dataset.stage };
        const target = stageIn(event.to.closest(".do-column"), card);
        if (target) inTurn(card, () => post(card, target, from));
        else putBack(card, from, "This stage is not part of the deal's pipeline. Use Move to choose another pipeline.");
      },
    });
  });

  function putBack(card, from, words) {
    list(from.column).insertBefore(card, from.next);
    toast(words, { kind: "bad" });
  }

  // --- the Move menu -------------------------------------------------------------------------------------------------------------------------
  const menu = $("#move-menu");
  let moving = null;

  function openMenu(card) {
    moving = card;
    const own = stage(card.dataset.stage);
    $("#move-title").textContent = "Move " + card.dataset.name + " to";
    const pipelines = [own.pipeline, ...new Set(stages.map((each) => each.pipeline).filter((code) => code !== own.pipeline))];
    $("#move-list").replaceChildren(...pipelines.map((code) => group(code, own)));
    show(menu);
    const first = $("#move-list button:not([aria-disabled])");
    if (first) first.focus();
  }

  function group(code, own) {
    const here = stages.filter((each) => each.pipeline === code);
    const box = document.createElement(code === own.pipeline ? "div" : "details");
    const title = document.createElement(code === own.pipeline ? "h3" : "summary");
    title.textContent = here[0].pipeline_name;
    box.append(title, ...here.map((each) => choice(each, own)));
    return box;
  }

  function choice(each, own) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "do-menu-item";
    button.dataset.stage = each.id;
    const words = document.createElement("span");
    words.textContent = each.name;
    const why = each.id === own.id ? "It is here now" : each.why_not;
    if (why) {
      const small = document.createElement("small");
      small.textContent = why;
      words.append(small);
      button.setAttribute("aria-disabled", "true");
    }
    button.append(words);
    return button;
  }

  menu.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-stage]");
    if (!button || button.getAttribute("aria-disabled")) return;
    const card = moving;
    menu.close();
    send(card, stage(button.dataset.stage)).then(() => focusOn(card));
  });
  menu.addEventListener("close", () => focusOn(moving));
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const all = $$("button[data-stage]", menu).filter((button) => button.offsetParent);
    const at = all.indexOf(document.activeElement);
    const next = all[(at + (event.key === "ArrowDown" ? 1 : all.length - 1)) % all.length];
    if (next) next.focus();
    event.preventDefault();
  });

  function focusOn(card) {
    const title = card && card.isConnected && $(".do-card-title", card);
    if (title && columnOf(card).offsetParent) title.focus();
  }

  board.addEventListener("click", (event) => {
    const button = event.target.closest("[data-move]");
    if (button && button !== board) openMenu(button.closest(".do-card"));
  });

  // --- keys: Alt+arrows move the card, M opens the menu, J and K go through the cards ----------------------------------------------------------
  document.addEventListener("keydown", (event) => {
    if (writing(event.target) || $("dialog[open]")) return;
    const card = event.target.closest(".do-card");
    if (event.altKey && card && (event.key === "ArrowRight" || event.key === "ArrowLeft")) {
      event.preventDefault();
      step(card, event.key === "ArrowRight" ? 1 : -1);
    } else if (event.altKey || event.ctrlKey || event.metaKey || !singles()) {
      return;
    } else if (card && event.key === "e") {
      event.preventDefault();
      window.location.assign($(".do-card-title", card).getAttribute("href") + "/change");
    } else if (card && event.key === "m") {
      event.preventDefault();
      openMenu(card);
    } else if (event.key === "j" || event.key === "k") {
      // Columns are asked whether they are shown, not the cards: to answer, the browser would lay out each one that is out of sight.
      const titles = $$(".do-column", board).flatMap((column) => (column.offsetParent ? $$(".do-card-title", column) : []));
      const at = titles.indexOf(card && $(".do-card-title", card));
      const next = titles[at + (event.key === "j" ? 1 : -1)] || titles[0];
      if (next) next.focus();
      event.preventDefault();
    }
  });

  // To the nearest stage in that direction which people may move to.
  function step(card, way) {
    inTurn(card, () => {
      const own = stage(card.dataset.stage);
      const here = stages.filter((each) => each.pipeline === own.pipeline);
      let at = here.indexOf(own) + way;
      while (here[at] && here[at].why_not) at += way;
      if (!here[at]) return say("There is no further stage in this direction.");
      const from = { column: columnOf(card), next: card.nextElementSibling, stage: card.dataset.stage };
      return post(card, here[at], from);
    }).then(() => focusOn(card));
  }
})();
