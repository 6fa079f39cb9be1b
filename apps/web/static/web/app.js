// The small script: dialogs for / and ?, j and k in lists, printing, picking whole sheets, early typing, focus after swaps.
// Every page reads, and every form works, without it.
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
const rowsOf = () => [...document.querySelectorAll("table.list tbody tr:not(.cause, .group, .more), .inbox > .msg")];

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
  else if (event.key in responses && document.getElementById("selected")) respond(responses[event.key]);
  else return;
  event.preventDefault();
});

// Keys of the list of work: x picks the marked row; e, a, s and m respond to the picked rows, or else to the marked one.
// A key presses the button of the bulk bar, or leads to the choice that its response needs.
const responses = { x: "pick", e: "acknowledge", a: "assign", s: "snooze", m: "migrate" };
const choices = { assign: "selected-owner", snooze: "selected-days" };

function respond(action) {
  const form = document.getElementById("selected");
  const box = document.querySelector("tr.cursor td.pick input");
  if (action === "pick") {
    if (box) box.checked = !box.checked;
    return;
  }
  if (!form.querySelector("td.pick input[name=issue]:checked")) {
    if (!box) return;
    box.checked = true;
  }
  const choice = document.getElementById(choices[action]);
  if (choice) choice.focus();
  else form.querySelector(`[name=action][value=${action}]`)?.click();
}

// Beside a wide list an issue opens in the panel; the URL names it, so that the page can be shared and returned to.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-panel]");
  const panel = document.getElementById("panel");
  if (!link || !panel || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  if (!window.htmx || !matchMedia("(min-width: 75rem)").matches) return;
  event.preventDefault();
  for (const row of document.querySelectorAll("tr.cursor")) row.classList.remove("cursor");
  link.closest("tr")?.classList.add("cursor");
  const url = new URL(location.href);
  url.searchParams.set("issue", link.dataset.panel);
  history.replaceState(history.state, "", url);
  htmx.ajax("GET", link.getAttribute("href"), { target: panel, swap: "innerHTML" });
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

// a link that opens the whole list for printing prints it; on the page it leads to, at once
if (new URLSearchParams(location.search).get("print") === "all") addEventListener("load", () => print());

// a link to a section that is on another tab leads there
const section = location.hash.slice(1);
if (section && !document.getElementById(section)) {
  const tab = document.querySelector(`.tabs a[data-anchors~="${CSS.escape(section)}"]`);
  if (tab && !tab.hasAttribute("aria-current")) location.replace(tab.href + location.hash);
}

// a head box picks every row of its table
document.addEventListener("change", (event) => {
  const all = event.target.closest("[data-picks-all]");
  if (!all) return;
  for (const box of all.closest("table").querySelectorAll("td.pick input")) box.checked = all.checked;
});

// What was typed before htmx had bound a box is searched for as soon as it has. htmx takes the text that it finds for the
// one searched for last, so it finds the server's.
const early = new Map();

document.addEventListener("htmx:beforeProcessNode", ({ target }) => {
  if (!target.matches?.('[hx-trigger*="input"]')) return;
  for (const box of [target, ...target.querySelectorAll("input")]) {
    if (!box.matches('input[type="search"], input[type="text"]') || box.value === box.defaultValue) continue;
    early.set(box, box.value);
    box.value = box.defaultValue;
  }
});

document.addEventListener("htmx:afterProcessNode", () => {
  for (const [box, typed] of early) {
    early.delete(box);
    box.value = typed;
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }
});

// what the server cannot answer now (503) is told in a sentence; the page stays as it was
document.addEventListener("htmx:responseError", ({ detail }) => {
  const said = document.getElementById("said");
  if (detail.xhr.status !== 503 || !said || !detail.xhr.getResponseHeader("Content-Type")?.startsWith("text/plain")) return;
  const line = Object.assign(document.createElement("p"), { className: "said error", textContent: detail.xhr.responseText });
  said.replaceChildren(line);
});

// what a swap replaces keeps the focus where its successor has the same id, name or address, or else the same place
let focused = null;
let place = -1;

const stopsIn = (element) => [...element.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")];

function describe(element) {
  if (!element || element === document.body) return null;
  if (element.id) return `#${CSS.escape(element.id)}`;
  const form = element.closest("form[id], form[action]");
  const within = form ? (form.id ? `#${CSS.escape(form.id)} ` : `form[action="${CSS.escape(form.getAttribute("action"))}"] `) : "";
  if (element.name) return `${within}[name="${CSS.escape(element.name)}"]${element.value && element.type !== "text" && element.type !== "search" ? `[value="${CSS.escape(element.value)}"]` : ""}`;
  const address = element.getAttribute("href");
  return address ? `a[href="${CSS.escape(address)}"]` : null;
}

document.addEventListener("htmx:beforeSwap", (event) => {
  const inside = event.detail.target.contains(document.activeElement);
  focused = inside ? describe(document.activeElement) : null;
  place = inside ? stopsIn(event.detail.target).indexOf(document.activeElement) : -1;
});

document.addEventListener("htmx:afterSettle", (event) => {
  const drawn = event.detail.elt;
  // a live region that came along tells its news without taking the focus
  if (place < 0 || document.activeElement !== document.body || drawn.closest("[aria-live]")) return;
  const stops = stopsIn(drawn);
  const successor = (focused && document.querySelector(focused)) ?? stops[Math.min(place, stops.length - 1)] ?? drawn.querySelector("h1, h2");
  if (successor && successor.tabIndex < 0) successor.tabIndex = -1;
  successor?.focus({ preventScroll: true });
  place = -1;
});
