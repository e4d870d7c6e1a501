// A form that was refused because the session had ended comes back filled in, for the same person in the same tab (F15).
// What was typed stays in this tab and never leaves the browser; hidden fields are not kept, so that what moved meanwhile is noticed.
(function () {
  "use strict";

  const KEY = "dealopsKept";
  const place = document.getElementById("page");
  const person = (place && place.dataset.person) || "";
  const here = () => window.location.pathname + window.location.search;
  const OMITTED = ["hidden", "password", "file", "submit", "button", "reset", "image", "fieldset"];

  function read() {
    try {
      return JSON.parse(sessionStorage.getItem(KEY));
    } catch {
      return null;
    }
  }
  const isChoice = (field) => field.type === "checkbox" || field.type === "radio";
  const write = (kept) => sessionStorage.setItem(KEY, JSON.stringify(kept));

  // The fields a person fills in.
  const fieldsOf = (form) => Array.from(form.elements).filter((field) => field.name && !OMITTED.includes(field.type));

  // `interrupted`: the session is over already, so that the next page of the same person brings it back.
  function keep(form, interrupted) {
    const fields = fieldsOf(form).map((field) => ({ name: field.name, type: field.type, value: field.value, checked: field.checked }));
    if (fields.length) write({ person, here: here(), action: new URL(form.action).pathname, fields, interrupted });
  }
  Object.assign(window.dealops, { fieldsOf, keep });

  // --- every form that is sent is kept until the next page shows that it arrived --------------------------------------------
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (person && form.method === "post") keep(form, false);
  });

  // --- what the next page says about it -------------------------------------------------------------------------------------------
  const kept = read();
  if (!kept) return;
  if (document.querySelector("[data-interrupted]") || (!person && !kept.interrupted)) return write({ ...kept, interrupted: true });
  if (!person) return;
  if (kept.person !== person || !kept.interrupted) return sessionStorage.removeItem(KEY);
  if (kept.here === here()) document.addEventListener("DOMContentLoaded", restore);

  function restore() {
    sessionStorage.removeItem(KEY);
    const form = Array.from(document.forms).find((one) => one.method === "post" && new URL(one.action).pathname === kept.action);
    if (!form) return;
    const back = kept.fields.filter((saved) => fill(form, saved));
    if (back.length) window.dealops.toast("You were signed out before this was sent. Your input is back: look at it, then send it again.");
  }

  function fill(form, saved) {
    const field = find(form, saved);
    if (!field) return false;
    const choice = isChoice(saved);
    if (choice ? field.checked === saved.checked : field.value === saved.value) return false;
    if (choice) field.checked = saved.checked;
    else field.value = saved.value;
    for (let fold = field.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
    return true;
  }

  // A form that grows is asked for further rows until the field is there.
  function find(form, saved) {
    const same = () =>
      Array.from(form.elements).find((one) => one.name === saved.name && one.type === saved.type && (!isChoice(saved) || one.value === saved.value));
    const more = form.querySelector("[data-more]");
    for (let tries = 0; more && saved.value && !same() && tries < 8; tries += 1) more.click();
    return same();
  }
})();
