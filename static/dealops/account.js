// When a passkey or security key does not answer, the page says so where the person is looking.
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const place = document.getElementById("key-problem");
  if (!place) return;
  const gone = event.detail.exception && event.detail.exception.name === "NotAllowedError";
  place.textContent = gone
    ? "The key did not answer in time, or you cancelled. Try again, or use another way."
    : "This key cannot be used here. Try another one, or use another way.";
  place.hidden = false;
});
