// Captions of pictures: what a part is, where the pointer or the keyboard's focus is. Everything they say is also in
// the picture's table, so nothing is lost without this script.
"use strict";

const GAP = 12; // px between the pointer and the caption
const GRACE = 160; // ms in which the pointer may travel onto the caption

const caption = document.createElement("p");
caption.className = "tip";
caption.hidden = true;
caption.setAttribute("aria-hidden", "true"); // links say the same by their names
document.body.append(caption);

let closing = 0;

const partOf = (target) => (target instanceof Element ? target.closest("[data-tip]") : null);

function show(text, x, y) {
  clearTimeout(closing);
  caption.textContent = text;
  caption.hidden = false;
  const { width, height } = caption.getBoundingClientRect();
  const left = Math.min(Math.max(x + GAP, 4), window.innerWidth - width - 4);
  const below = y + GAP + height < window.innerHeight;
  caption.style.left = `${left}px`;
  caption.style.top = `${below ? y + GAP : y - GAP - height}px`;
}

function hide() {
  clearTimeout(closing);
  caption.hidden = true;
}

document.addEventListener("pointerover", (event) => {
  if (event.target === caption) return clearTimeout(closing);
  const part = partOf(event.target);
  if (part) show(part.dataset.tip, event.clientX, event.clientY);
  else if (!caption.hidden) closing = setTimeout(hide, GRACE);
});

document.addEventListener("focusin", (event) => {
  const part = partOf(event.target);
  if (!part || !part.matches(":focus-visible")) return;
  const place = part.getBoundingClientRect();
  show(part.dataset.tip, place.left, place.bottom);
});

document.addEventListener("focusout", hide);
document.addEventListener("scroll", hide, { passive: true, capture: true });
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") hide();
});
