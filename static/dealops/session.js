// The end of a session is said before it comes; a network that is away, and an answer that takes long.
(function () {
  "use strict";

  const WARNING = 120; // seconds before the end (WCAG 2.2.1)
  const here = document.getElementById("session");
  const bar = document.getElementById("offline");
  const { fieldsOf, keep } = window.dealops; // kept.js brings back what is typed here but not sent, too
  const forms = () => Array.from(document.querySelectorAll("form")).filter((form) => form.method === "post");

  // --- offline: a plain bar, and nothing is sent ---------------------------------------------------------------------------------
  function network() {
    const away = !navigator.onLine;
    if (!bar || bar.hidden !== away) return;
    bar.hidden = !away;
    forms().forEach((form) =>
      Array.from(form.elements).forEach((button) => {
        if (button.type !== "submit") return;
        if (away && !button.disabled) {
          button.disabled = true;
          button.dataset.waitsForNetwork = "";
        } else if (!away && "waitsForNetwork" in button.dataset) {
          button.disabled = false;
          delete button.dataset.waitsForNetwork;
        }
      })
    );
    if (!away) window.dealops.toast("You are online again.");
  }
  document.addEventListener(
    "submit",
    (event) => {
      if (navigator.onLine || event.target.method !== "post") return;
      event.preventDefault();
      event.stopPropagation();
      window.dealops.say("You are offline; what you type is kept.");
    },
    true
  );
  window.addEventListener("online", network);
  window.addEventListener("offline", network);
  network();

  // --- a slow answer: said once, so that nobody presses again ----------------------------------------------------------------------
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    const timer = window.setTimeout(() => window.dealops.toast("Still sending. It is sent once, however long it takes."), 2000);
    window.addEventListener("pagehide", () => window.clearTimeout(timer), { once: true });
  });

  // What a page asks by itself, with nobody at it, keeps no session alive.
  document.addEventListener("htmx:configRequest", (event) => {
    if (!event.detail.triggeringEvent) event.detail.headers["X-Background"] = "yes";
  });

  // --- the end of the session: said two minutes before, put off by a click ---------------------------------------------------------
  if (!here) return;
  const words = here.querySelector("[data-words]");
  const stay = here.querySelector("[data-stay]");
  const again = here.querySelector("[data-sign-in]");
  let end = 0;
  let timer = 0;

  const left = () => Math.round((end - Date.now()) / 1000);
  function wait(action, seconds) {
    window.clearTimeout(timer);
    timer = window.setTimeout(action, Math.min(Math.max(0, seconds) * 1000, 2 ** 31 - 1));
  }
  function ends(seconds) {
    end = Date.now() + seconds * 1000;
    wait(look, seconds - WARNING);
  }

  // Answers {left, can_stay}; null when the session is over; fails when the server does not answer as it should.
  async function ask(method) {
    const headers = { "X-CSRFToken": window.dealops.csrf(), "X-Background": "yes" };
    const answer = await fetch(here.dataset.session, { method, headers, redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.status === 403) return null;
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }

  // Another tab may have been used since: the server knows.
  async function look() {
    try {
      heard(await ask("GET"));
    } catch {
      if (here.open && left() > 0) wait(look, 10);
      else wait(look, 30);
    }
  }

  function heard(now) {
    if (!now) return over();
    ends(now.left);
    if (now.left > WARNING) return here.close();
    stay.hidden = !now.can_stay;
    if (!here.open) here.showModal();
    count(now.can_stay);
  }

  function count(canStay) {
    // In steps, so that it is spoken now and then and not every second.
    const time = left() > 60 ? "2 minutes" : left() > 30 ? "1 minute" : left() > 10 ? "30 seconds" : "10 seconds";
    const sentence = canStay
      ? "You have done nothing for a while and will be signed out in " + time + "."
      : "A session lasts no longer than this one has: you will be signed out in " + time + ". Save what you are at.";
    const all = sentence + " What you typed on this page is kept.";
    if (words.textContent !== all) words.textContent = all;
    if (left() <= 0) wait(look, 1);
    else if (left() % 10 === 0) wait(look, 1);
    else wait(() => count(canStay), 1);
  }

  function over() {
    window.clearTimeout(timer);
    const typed = forms().find((form) => fieldsOf(form).some(isTyped));
    if (typed) keep(typed, true);
    words.textContent = "You are signed out. What you typed on this page is kept in this tab: sign in again to go on.";
    stay.hidden = true;
    again.hidden = false;
    if (!here.open) here.showModal();
    again.focus();
  }

  function isTyped(field) {
    if (field.options) {
      const given = Array.from(field.options).findIndex((option) => option.defaultSelected);
      return field.selectedIndex !== Math.max(0, given);
    }
    if (/^(checkbox|radio)$/.test(field.type)) return field.checked !== field.defaultChecked;
    return field.value !== field.defaultValue;
  }

  stay.addEventListener("click", () =>
    ask("POST").then(
      (now) => {
        heard(now);
        if (now) window.dealops.toast("You stay signed in.");
      },
      () => window.dealops.toast("The server does not answer. Press it again in a moment.", { kind: "bad" })
    )
  );
  here.addEventListener("cancel", (event) => {
    event.preventDefault();
    if (!stay.hidden) stay.click();
  });
  // A computer that slept wakes up with its timers late.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && again.hidden && left() <= WARNING) look();
  });
  ends(Number(here.dataset.left));
})();
