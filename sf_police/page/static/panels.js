// The panels: each reads its rows, and shows them as a chart, a table or words.

import { $, page, read } from "./app.js";
import { DAY, choice, durationText, field, instant, putChoice, spanText, text } from "./choice.js";
import { attachBrush, bringIntoView, choose, openSection, setValue, showBrush, spanOf } from "./choose.js";
import { capital, measureCharts, showState, writeWithCode } from "./status.js";
import { count, fill, percent, write } from "./tables.js";

const SERIES = [
  ["rows_per_s", "rows/s"], ["lag", "lag, records"], ["seconds", "seconds of a micro-batch"],
  ["behind_s", "watermark behind events, s"], ["state_rows", "state rows"],
];

// On a phone the first ones are seen.
const REJECTED = ["reason", "value", "bytes", "time", "topic", "partition", "offset"];

let kinds = [];

async function showAnswer() {
  const [answer] = await read("answer");
  const { from, to } = choice();
  const isSpan = Boolean(from || to);
  write($("answer"), answer?.answer ?? (isSpan ? "Nothing was counted in the chosen span." : "Nothing has been counted yet."));
  write($("made-of"), answer ? `${isSpan ? "In the chosen span: " : ""}${answer.made_of}` : "");
}

async function showBooks() {
  [page.books = null] = await read("books", { whole: true });
  const line = page.books ? capital(page.books.line) : "";
  write($("books"), page.books?.is_balanced ? `${line}. Every record is accounted for.` : line);
  $("books").classList.toggle("broken", Boolean(page.books && !page.books.is_balanced));
  showState();
}

async function showWindows() {
  const chosen = choice().window ? instant(choice().window) : 0;
  const points = (await read("windows")).map((row) => (instant(row.start) === chosen ? { ...row, is_chosen: true } : row));
  const step = points.length ? instant(points[0].end) - instant(points[0].start) : 0;
  const each = step === page.state.length_s * 1000;
  write($("windows-hint"), each
    ? `Each step is one window${points.some((row) => row.mark) ? "; triangles: far from usual; diamonds: an hour that happened twice" : ""}.`
    : step ? `Each step is ${durationText(step)}: the mean of its windows, and their least and most. Choose a shorter span to see every window.` : "");
  await page.charts.show("c-windows", "windows", points, { listen: (view) => view.addEventListener("click", clicked) });
  await page.charts.show("c-volume", "volume", points, { listen: (view) => view.addEventListener("click", clicked) });
}

function clicked(_event, item) {
  const datum = item?.datum?.datum ?? item?.datum; // of a point, through the cell that makes it easy to hit
  if (datum?.start) openPoint(datum);
}

export function openPoint(row) {
  const [start, until] = [instant(row.start), instant(row.end)];
  if (until - start === page.state.length_s * 1000) openSection("p-window", { window: field(start) });
  else choose({ from: field(start - 3 * DAY), to: field(until + 3 * DAY) });
}

async function showOverview() {
  await page.charts.show("c-overview", "overview", await read("overview", { whole: true }), {
    listen: attachBrush,
  });
  await showBrush();
}

async function showWindow() {
  const { window: start } = choice();
  $("p-window").hidden = !start;
  if (!start) return;
  const words = page.state.question;
  const [rows, rejected] = await Promise.all([
    read("window", { whole: true, own: { window: start } }), read("rejected", { whole: true, own: { window: start } }),
  ]);
  const until = text(instant(start) + page.state.length_s * 1000);
  write($("h-window"), spanText(start, until));
  const total = rows.reduce((sum, row) => sum + row[words.rows_column], 0);
  write($("window-text"), rows.length ? windowText(rows, total) : `No ${words.rows} in this window.`);
  const table = rows.map((row) => ({
    [words.kind_column]: row[words.kind_column], [words.outcome_column]: row[words.outcome_column],
    [words.rows_column]: row[words.rows_column], share: row[words.rows_column] / total,
  }));
  if (rows.length) {
    fill($("t-window"), table, { click: (row) => openSection("p-kind", { kind: String(row[words.kind_column]) }),
      mark: (row) => (row[words.outcome_column] === words.no_vote ? "unrecorded" : "") });
  } else $("t-window").replaceChildren();
  writeWithCode($("window-late"), page.books?.late ? `${count(page.books.late)} late in the whole store; ${page.state.commands.late} says which, and by how much.` : "");
  if (rejected.length) fill($("window-rejected"), rejected, { columns: REJECTED, caption: "Rejected records with a time in this window." });
  else $("window-rejected").replaceChildren();
  bringIntoView("p-window", "h-window");
}

function windowText(rows, total) {
  const words = page.state.question;
  const distinct = new Set(rows.map((row) => row[words.kind_column])).size;
  const votes = new Map();
  for (const row of rows) {
    const outcome = row[words.outcome_column];
    if (outcome !== words.no_vote) votes.set(outcome, (votes.get(outcome) ?? 0) + row[words.rows_column]);
  }
  const [usual] = [...votes].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const said = usual ? `${usual[0]}, ${count(usual[1])} ${words.rows} (${percent(usual[1] / total)})` : "none recorded";
  return `${count(distinct)} ${words.kinds}, ${count(total)} ${words.rows}; usual ${words.outcome}: ${said}.`;
}

const MARKS = { few: "▼", many: "▲", repeated: "◆" }; // of findings on windows, as in the chart

async function showFindings() {
  const rows = await read("findings", { whole: true });
  const list = $("findings");
  $("no-findings").hidden = rows.length > 0;
  while (list.children.length > rows.length) list.lastElementChild.remove();
  rows.forEach((row, place) => {
    const button = list.children[place]?.firstElementChild ?? newFinding(list);
    write(button.firstElementChild, MARKS[row.kind] ?? "");
    write(button.lastElementChild, row.text);
    button.onclick = () => openFinding(row);
  });
}

function newFinding(list) {
  const button = document.createElement("button");
  button.type = "button";
  const mark = document.createElement("span");
  mark.className = "mark";
  button.append(mark, document.createElement("span"));
  const item = document.createElement("li");
  item.append(button);
  list.append(item);
  return button;
}

function openFinding(row) {
  const around = spanOf(field(instant(row.start) - DAY), field(instant(row.end) + DAY));
  if (row.kind in MARKS) openSection("p-window", { ...around, window: field(instant(row.start)) });
  else openSection("p-windows", { ...around, window: "" });
}

async function showOutcomes() {
  const rows = await read("outcomes");
  const names = [...new Map(rows.map((row) => [row.outcome, row])).values()];
  const legend = $("legend");
  while (legend.children.length > names.length) legend.lastElementChild.remove();
  names.forEach((row, place) => {
    const item = legend.children[place] ?? legend.appendChild(document.createElement("li"));
    const box = item.firstElementChild ?? item.appendChild(document.createElement("span"));
    box.style.background = page.state.question.colors[row.place];
    const name = item.childNodes[1] ?? item.appendChild(document.createTextNode(""));
    if (name.data !== row.outcome) name.data = row.outcome;
  });
  await page.charts.show("c-outcomes", "outcomes", rows);
}

async function showShares() {
  await page.charts.show("c-shares", "shares", await read("shares"));
}

async function showHours() {
  await page.charts.show("c-hours", "hours", await read("hours"));
}

async function showKinds() {
  kinds = await read("kinds");
  filterKinds();
}

export function filterKinds() {
  if (!page.state) return;
  const words = page.state.question;
  const wanted = $("find").value.trim().toLowerCase();
  const found = kinds.filter((row) => String(row[words.kind_column]).toLowerCase().includes(wanted));
  const usual = words.usual_column;
  const names = { usual_share: "its share", [`${usual}_${words.rows_column}`]: `its ${words.rows}` };
  write($("found"), kinds.length ? `${count(found.length)} of ${count(kinds.length)} ${words.kinds}` : "");
  fill($("t-kinds"), found, { columns: Object.keys(kinds[0] ?? {}), most: 200, names, decimals: words.decimals,
    click: (row) => openSection("p-kind", { kind: String(row[words.kind_column]) }) });
}

export function find(wanted) {
  putChoice({ q: wanted }, { replace: true });
  setValue("find", wanted);
  filterKinds();
}

async function showKind() {
  const { kind } = choice();
  const wasHidden = $("p-kind").hidden;
  $("p-kind").hidden = !kind;
  if (!kind) return;
  write($("h-kind"), kind);
  if (wasHidden) measureCharts();
  const own = { kind };
  const [over, hours, shares] = await Promise.all([read("kind", { own }), read("hours", { own }), read("shares", { own })]);
  await page.charts.show("c-kind", "kind", over);
  await page.charts.show("c-kind-hours", "hours", hours);
  await page.charts.show("c-kind-shares", "shares", shares);
  bringIntoView("p-kind", "h-kind");
}

async function showHealth() {
  const rows = await read("health", { whole: true });
  for (const [name, title] of SERIES) {
    if (!$(`c-${name}`)) {
      const box = document.createElement("div");
      const heading = document.createElement("h3");
      heading.textContent = title;
      const chart = document.createElement("div");
      chart.className = "chart";
      chart.id = `c-${name}`;
      chart.role = "img";
      chart.ariaLabel = `${title}, by micro-batch`;
      box.append(heading, chart);
      $("series").append(box);
    }
    await page.charts.show(`c-${name}`, "series", rows.filter((row) => row[name] !== null).map((row) => ({ batch: row.batch, value: row[name] })));
  }
}

async function showRejected() {
  const rows = await read("rejected", { whole: true });
  const command = page.state.commands.rejected;
  writeWithCode($("rejected-text"), rows.length ? `The newest ${count(rows.length)}, as text; all of them, with their reasons: ${command}.` : "None.");
  if (rows.length) fill($("t-rejected"), rows, { columns: REJECTED });
  else $("t-rejected").replaceChildren();
}

export const FIRST = [showWindows];
export const REST = [
  showAnswer, showBooks, showOverview, showWindow, showFindings, showShares, showOutcomes, showHours, showKinds, showKind,
  showHealth, showRejected,
];
