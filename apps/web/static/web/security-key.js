// The library writes a refusal to the console alone; people look at the page.
document.addEventListener("allauth.error", (event) => {
  if (!event.detail.tags.includes("webauthn")) return;
  event.preventDefault();
  document.getElementById("security-key-error").hidden = false;
});
