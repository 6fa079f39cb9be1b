// From the search box of a picker: arrow down goes to the first hit, Enter takes it. Radios walk by themselves.
"use strict";

document.addEventListener("keydown", (event) => {
  const box = event.target.closest?.("[data-picker]");
  const radios = () => [...document.querySelectorAll('#hits input[type="radio"]')];
  if (box && event.key === "ArrowDown" && radios().length > 0) {
    const first = radios().find((radio) => radio.checked) ?? radios().find((radio) => radio.value) ?? radios()[0];
    first.checked = true;
    first.focus();
    event.preventDefault();
  } else if (event.key === "ArrowUp" && event.target === radios()[0]) {
    document.querySelector("[data-picker]")?.focus();
    event.preventDefault();
  }
});
