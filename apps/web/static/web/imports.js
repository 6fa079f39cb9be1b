// A list of model IDs chooses its radio button. Without a script the radio button is chosen by hand.
"use strict";

document.addEventListener("change", (event) => {
  const radio = document.getElementById(event.target.dataset?.chooses ?? "");
  if (radio && event.target.value) radio.checked = true;
});
