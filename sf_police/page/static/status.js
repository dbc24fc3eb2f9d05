// The state of things: the badge and what to do, the words of the question, and the newest micro-batch.

import { $, page } from "./app.js";
import { count, write } from "./tables.js";

const LOST = "the dashboard has ended, or cannot be reached; the page comes back by itself";

export function showState() {
  const words = page.state.question;
  const isBroken = Boolean(page.books && !page.books.is_balanced);
  const said = page.isLost ? "connection lost" : isBroken ? "books do not balance" : page.state.state_text;
  document.title = `${capital(words.spread)} per window: ${said}`;
  showBadge(page.isLost ? "away" : isBroken ? "broken" : page.state.state, said);
  writeWithCode($("note"), page.isLost ? LOST : page.refused || (isBroken ? page.state.broken_note : page.state.note));
  write($("where"), page.state.topic ? `topic ${page.state.topic}` : "");
  write($("question"), words.title);
  write($("trace-label"), words.id);
  write($("h-windows"), `${capital(words.spread)} per window`);
  write($("h-shares"), `Usual ${words.outcome}`);
  write($("h-outcomes"), `Share of each ${words.outcome} over time`);
  write($("h-hours"), `${capital(words.rows)} by weekday and hour`);
  write($("h-kinds"), capital(words.kinds));
  write($("h-kind-shares"), words.outcome);
  $("c-kind-shares").ariaLabel = words.outcome;
  write($("rule"), words.rule);
  write($("reading"), !page.state.batch || page.state.is_whole ? "" : `reading the store: since ${page.state.first ?? "…"} so far`);
  write($("program"), `sf-police ${page.state.program}. Times are wall clock${words.time_zone ? ` of ${words.time_zone}` : ""}, as in the records.`);
  $("from").step = $("to").step = page.state.length_s ? Math.max(60, page.state.length_s) : 1800;
  const { batch } = page.state;
  write($("health-text"), batch ? `latest ${batch.text}; lag ${batch.lag === null ? "unknown" : count(batch.lag)}; watermark ${batch.watermark?.slice(0, 19) ?? "none yet"}; committed at ${batch.committed_at?.slice(0, 19) ?? "?"} UTC` : "");
  // Without a micro-batch there is nothing to see, or what was seen is no more.
  const wasHidden = $("nav").hidden;
  $("nav").hidden = !batch;
  $("main").classList.toggle("nothing", !batch);
  if (wasHidden && batch) measureCharts();
}

// What is between backticks is something to type.
export function writeWithCode(element, text) {
  const parts = text.split("`");
  if (element.textContent === parts.join("")) return;
  element.replaceChildren(...parts.map((part, place) => {
    if (place % 2 === 0) return part;
    const code = document.createElement("code");
    code.textContent = part;
    return code;
  }));
}

function showBadge(name, said) {
  $("badge").dataset.state = name;
  write($("badge"), said);
}

// A chart that was resized while it was hidden has no width.
export function measureCharts() {
  dispatchEvent(new Event("resize"));
}

export function showLoss() {
  page.isLost = true;
  showBadge("away", "connection lost");
  write($("note"), LOST);
}

export function capital(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function clearFigures() {
  page.books = null;
  for (const id of ["answer", "made-of", "books"]) write($(id), "");
  $("books").classList.remove("broken");
}
