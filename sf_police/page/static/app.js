// What the parts of the page share: what is known, and where rows come from.

import { address, instant, text } from "./choice.js";

export const $ = (id) => document.getElementById(id);

// `state`: the newest message; `books`: of that state; `isLost`: whether there is no connection; `refused`: what the
// server has said instead of rows; `isStale`: whether some rows are older than the state; `refresh()`: shows all again.
export const page = { state: null, charts: null, books: null, isLost: false, refused: "", isStale: false, refresh: null };

export class Refusal extends Error {}
export class Loss extends Error {}

export async function read(panel, options = {}) {
  const response = await fetch(address(panel, "json", options)).catch((error) => { throw new Loss(error.message); });
  if (!response.ok) throw new Refusal((await response.text()).trim());
  const found = await response.json();
  if (!found.is_newest) page.isStale = true;
  return found.rows;
}

// The end of the store's last window.
export function end() {
  return page.state?.last ? text(instant(page.state.last) + page.state.length_s * 1000) : "";
}
