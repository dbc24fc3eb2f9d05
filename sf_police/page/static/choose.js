// Choosing: what a person does goes into the address, and from there into fields, links and the overview's brush.

import { $, end, page } from "./app.js";
import { address, choice, field, instant, ownChoice, putChoice } from "./choice.js";

export const edited = new Set(); // the fields of the span that hold what somebody is typing
let opened = ""; // the section that was just opened, which is to be brought into view
const openers = new Map(); // what had the focus when a section was opened

export function choose(changes) {
  if ("from" in changes || "to" in changes) edited.clear();
  putChoice(changes);
  showChoice();
  return page.refresh();
}

export function openSection(section, changes) {
  opened = section;
  openers.set(section, document.activeElement);
  return choose(changes);
}

// Where it is not in sight, nothing would seem to happen.
export function bringIntoView(section, heading) {
  if (opened !== section) return;
  opened = "";
  $(section).scrollIntoView({ block: "nearest" });
  $(heading)?.focus({ preventScroll: true });
}

export function closeSection(section, changes) {
  choose(changes);
  openers.get(section)?.focus({ preventScroll: true });
}

export function moveWindow(steps) {
  return choose({ window: field(instant(choice().window) + steps * page.state.length_s * 1000) });
}

export function showChoice() {
  const chosen = choice();
  const shown = { from: field(chosen.from || page.state?.first || ""), to: field(chosen.to || end()) };
  for (const [id, value] of Object.entries(shown)) {
    if (!edited.has(id) && document.activeElement !== $(id)) setValue(id, value);
  }
  setValue("find", chosen.q);
  for (const tools of document.querySelectorAll(".tools")) {
    const { panel } = tools.dataset;
    for (const link of tools.querySelectorAll("a")) {
      link.href = address(panel, link.dataset.form, { own: ownChoice(panel) });
    }
  }
  showBrush();
}

export function setValue(id, value) {
  if ($(id).value !== value) $(id).value = value;
}

// The brush is moved by whoever drags it, and else is where the choice is. (Vega also moves it by itself, when new rows
// change the scale.)
let isDragging = false;
let overview = null;

// Of the overview's view, which is another one after a change of theme.
export function attachBrush(view) {
  overview = view;
  showBrush();
}

export function grabBrush() {
  isDragging = overview !== null;
}

export async function showBrush() {
  if (!overview || isDragging || !page.state?.last) return;
  const { from, to } = choice();
  const scale = overview.scale("x");
  const places = from || to ? [scale(instant(from || page.state.first)), scale(instant(to || end()))] : [0, 0];
  await overview.signal("span_x", places).runAsync();
}

export async function releaseBrush() {
  if (!isDragging) return;
  await overview.runAsync();
  isDragging = false;
  const step = page.state.length_s * 1000;
  const [from, to] = (overview.signal("span").t ?? []).map((time) => Math.round(time / step) * step);
  if (from === undefined) choose({ from: "", to: "" });
  else if (to > from) choose(spanOf(field(from), field(to)));
  else showBrush();
}

// An end that is that of the store is left open: what is stored later is in the span, too.
export function spanOf(from, to) {
  const { first, last } = page.state ?? {};
  return { from: first && from <= field(first) ? "" : from, to: last && to >= field(end()) ? "" : to };
}
