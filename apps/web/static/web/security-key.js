// The library writes a refusal to the console alone; people look at the page.
document.addEventListener("allauth.error", (event) => {
  if (!event.detail.tags.includes("webauthn")) return;
  event.preventDefault();
  document.getElementById("security-key-error").hidden = false;
});

// The library answers to a button from this event on, in a listener added before this one. Until
// then a press would be lost.
document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("[data-needs-script]")) button.disabled = false;
});
