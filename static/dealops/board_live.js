// The board while others work on it: asks every few seconds what it shows now and puts only what differs in its place.
(function () {
  "use strict";
  const EVERY = 4000;
  const board = document.getElementById("board");
  const { say, toast } = window.dealops;
  let tag = null;
  let misses = 0;
  let timer = null;

  // Nothing is touched under a person's hands: a card on its way or being dragged, an open menu.
  const isBusy = () => board.classList.contains("is-dragging") || board.querySelector(".is-moving") || document.querySelector("dialog[open]");

  function ask() {
    window.clearTimeout(timer);
    if (document.hidden || isBusy()) return wait();
    const headers = { "X-Background": "yes", ...(tag && { "If-None-Match": tag }) };
    fetch(board.dataset.live + "?" + board.dataset.query, { headers, redirect: "manual" })
      .then((answer) => (answer.status === 304 ? null : answer.ok ? answer.json().then((now) => [answer.headers.get("ETag"), now]) : Promise.reject(answer)))
      .then(heard, missed)
      .finally(wait);
  }

  function heard(news) {
    if (misses > 1) toast("The board is up to date again.");
    misses = 0;
    if (!news || isBusy()) return;
    const isFirst = tag === null;
    tag = news[0];
    const changed = show(news[1]);
    if (changed.length && !isFirst) say(changed.length === 1 ? changed[0] + " has changed." : changed.length + " cards have changed.");
  }

  function missed(answer) {
    misses += 1;
    const why = answer.type === "opaqueredirect" ? "You are signed out; reload the page to sign in." : "The server does not answer; it is asked again.";
    if (misses === 2) toast(why + " What you see may be out of date.", { kind: "bad" });
  }

  function wait() {
    window.clearTimeout(timer);
    timer = window.setTimeout(ask, Math.min(EVERY * (1 + misses), 30000));
  }

  // Answers the names of the cards that came, went elsewhere or look different.
  function show(now) {
    const changed = [];
    const shown = new Set();
    Object.values(now).forEach((column) => column.cards.forEach(([deal]) => shown.add(String(deal))));
    Object.entries(now).forEach(([code, fresh]) => {
      const column = board.querySelector('.do-column[data-column="' + code + '"]');
      if (!column) return;
      const list = column.querySelector(".do-cards-list");
      const head = column.querySelector(".do-column-totals");
      if (head.innerHTML !== fresh.head) head.innerHTML = fresh.head;
      let place = list.firstElementChild;
      fresh.cards.forEach(([deal, html]) => {
        const card = document.getElementById("deal-" + deal);
        const wanted = parsed(html);
        const stays = card && card.isEqualNode(wanted);
        if (stays && card === place) {
          place = place.nextElementSibling;
          return;
        }
        if (!stays || card.parentNode !== list) {
          if (!window.dealops.movedHere.delete(String(deal))) {
            changed.push(wanted.dataset.name);
            wanted.classList.add("is-fresh");
            window.setTimeout(() => wanted.classList.remove("is-fresh"), 1500);
          }
        }
        place = put(stays ? card : wanted, card, list, place);
      });
      // What is left: cards asked for by "Show 50 more" stay where they are, others are gone.
      while (place) {
        const next = place.nextElementSibling;
        if (place.dataset.deal && (!fresh.has_more || shown.has(place.dataset.deal))) place.remove();
        place = next;
      }
    });
    window.dealops.tidyBoard();
    return changed;
  }

  // Puts `card` before `place` of the list, in the stead of `old`, with the focus kept; answers the place after it.
  function put(card, old, list, place) {
    const at = old && old.contains(document.activeElement) ? document.activeElement.className : null;
    const before = old && place === old ? old.nextElementSibling : place;
    if (old) old.remove();
    list.insertBefore(card, before);
    const again = at && card.querySelector("." + at.split(" ")[0]);
    if (again) again.focus();
    return before;
  }

  function parsed(html) {
    const box = document.createElement("template");
    box.innerHTML = html;
    return box.content.firstElementChild;
  }

  document.addEventListener("visibilitychange", ask);
  window.addEventListener("online", ask);
  wait();
})();
