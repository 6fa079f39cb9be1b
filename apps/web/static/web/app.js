// The small script: dialogs for / and ?, j and k in lists. Every page reads, and every form works, without it.
"use strict";

const dialogs = { search: document.getElementById("search"), keys: document.getElementById("keys") };

function open(name) {
  const dialog = dialogs[name];
  if (!dialog || document.querySelector("dialog[open]")) return;
  dialog.showModal();
  dialog.querySelector("input")?.select();
}

function typing(target) {
  return target.closest("input, textarea, select, [contenteditable]") !== null;
}

// j and k move through the rows of the page's list; Enter opens the row's first link
const rowsOf = () => [...document.querySelectorAll("table.list tbody tr, .inbox > .msg")];

function move(step) {
  const rows = rowsOf();
  if (rows.length === 0) return;
  const at = rows.findIndex((row) => row.classList.contains("cursor"));
  const next = rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
  rows[at]?.classList.remove("cursor");
  next.classList.add("cursor");
  next.scrollIntoView({ block: "nearest" });
  next.querySelector("a")?.focus({ preventScroll: true });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "/") open("search");
  else if (event.key === "?") open("keys");
  else if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else return;
  event.preventDefault();
});

// arrow keys walk through the hits of the search dialog
dialogs.search?.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const stops = [dialogs.search.querySelector("input"), ...dialogs.search.querySelectorAll(".hits a")];
  const at = stops.indexOf(document.activeElement);
  stops[(at + (event.key === "ArrowDown" ? 1 : -1) + stops.length) % stops.length]?.focus();
  event.preventDefault();
});

for (const opener of document.querySelectorAll("[data-opens]")) {
  opener.hidden = false;
  opener.addEventListener("click", (event) => {
    event.preventDefault();
    open(opener.dataset.opens);
  });
}

for (const closer of document.querySelectorAll("[data-closes]")) {
  closer.addEventListener("click", () => closer.closest("dialog").close());
}
