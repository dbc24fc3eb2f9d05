// The page: what is chosen is in the address, what is shown comes from /data, and each commit is a message.

import { Charts } from "./charts.js";
import { DAY, address, choice, durationText, field, instant, ownChoice, putChoice, spanText, text } from "./choice.js";
import { count, fill, label, percent, write } from "./tables.js";

const RETRY_MS = 2_000;
const LOST = "the dashboard has ended, or cannot be reached; the page comes back by itself";
const SERIES = [
  ["rows_per_s", "rows/s"], ["lag", "lag, records"], ["seconds", "seconds of a micro-batch"],
  ["behind_s", "watermark behind events, s"], ["state_rows", "state rows"],
];

// On a phone the first ones are seen.
const REJECTED = ["reason", "value", "bytes", "time", "topic", "partition", "offset"];

const $ = (id) => document.getElementById(id);
let state = null;
let charts = null;
let overview = null;
let kinds = [];
let books = null;
let shownVersion = -1;
let isRefreshing = false;
let isWanted = false;
let isStale = false;
let retry = 0;
let refused = ""; // what the server has said instead of rows

// ---- what is chosen ----------------------------------------------------------------------------------------------

const edited = new Set(); // the fields of the span that hold what somebody is typing
let opened = ""; // the section that was just opened, which is to be brought into view
const openers = new Map(); // what had the focus when a section was opened

function choose(changes, options = {}) {
  if ("from" in changes || "to" in changes) edited.clear();
  putChoice(changes, options);
  showChoice();
  return refresh();
}

function openSection(section, changes) {
  opened = section;
  openers.set(section, document.activeElement);
  return choose(changes);
}

// Where it is not in sight, nothing would seem to happen.
function bringIntoView(section, heading) {
  if (opened !== section) return;
  opened = "";
  $(section).scrollIntoView({ block: "nearest" });
  $(heading)?.focus({ preventScroll: true });
}

function closeSection(section, changes) {
  choose(changes);
  openers.get(section)?.focus({ preventScroll: true });
}

function moveWindow(steps) {
  return choose({ window: field(instant(choice().window) + steps * state.length_s * 1000) });
}

class Refusal extends Error {}
class Loss extends Error {}

async function read(panel, options = {}) {
  const response = await fetch(address(panel, "json", options)).catch((error) => { throw new Loss(error.message); });
  if (!response.ok) throw new Refusal((await response.text()).trim());
  const found = await response.json();
  if (!found.is_newest) isStale = true;
  return found.rows;
}

function showChoice() {
  const chosen = choice();
  const shown = { from: field(chosen.from || state?.first || ""), to: field(chosen.to || end()) };
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

function setValue(id, value) {
  if ($(id).value !== value) $(id).value = value;
}

function end() {
  return state?.last ? text(instant(state.last) + state.length_s * 1000) : "";
}

// ---- the state of things --------------------------------------------------------------------------------------------

function showState() {
  const words = state.question;
  const isBroken = Boolean(books && !books.is_balanced);
  const said = isLost ? "connection lost" : isBroken ? "books do not balance" : state.state_text;
  document.title = `${words.kinds} per window: ${said}`;
  showBadge(isLost ? "away" : isBroken ? "broken" : state.state, said);
  writeWithCode($("note"), isLost ? LOST : refused || (isBroken ? state.broken_note : state.note));
  write($("where"), state.topic ? `topic ${state.topic}` : "");
  write($("question"), words.title);
  write($("h-windows"), `${capital(words.kinds)} per window`);
  write($("h-shares"), `Usual ${words.outcome}`);
  write($("h-outcomes"), `Share of each ${words.outcome} over time`);
  write($("h-hours"), `${capital(words.rows)} by weekday and hour`);
  write($("h-kinds"), capital(words.kinds));
  write($("rule"), words.rule);
  write($("reading"), !state.batch || state.is_whole ? "" : `reading the store: since ${state.first ?? "…"} so far`);
  write($("program"), `sf-police ${state.program}. Times are wall clock${words.time_zone ? ` of ${words.time_zone}` : ""}, as in the records.`);
  $("from").step = $("to").step = state.length_s ? Math.max(60, state.length_s) : 1800;
  const { batch } = state;
  write($("health-text"), batch ? `latest ${batch.text}; lag ${batch.lag === null ? "unknown" : count(batch.lag)}; watermark ${batch.watermark?.slice(0, 19) ?? "none yet"}; committed at ${batch.committed_at?.slice(0, 19) ?? "?"} UTC` : "");
  // Without a micro-batch there is nothing to see, or what was seen is no more.
  const wasHidden = $("nav").hidden;
  $("nav").hidden = !batch;
  $("main").classList.toggle("nothing", !batch);
  if (wasHidden && batch) measureCharts();
}

// What is between backticks is something to type.
function writeWithCode(element, text) {
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
function measureCharts() {
  dispatchEvent(new Event("resize"));
}

function showLoss() {
  isLost = true;
  showBadge("away", "connection lost");
  write($("note"), LOST);
}

function capital(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

// ---- panels -----------------------------------------------------------------------------------------------------------

async function showAnswer() {
  const [answer] = await read("answer");
  const { from, to } = choice();
  const isSpan = Boolean(from || to);
  write($("answer"), answer?.answer ?? (isSpan ? "Nothing was counted in the chosen span." : "Nothing has been counted yet."));
  write($("made-of"), answer ? `${isSpan ? "In the chosen span: " : ""}${answer.made_of}` : "");
}

async function showBooks() {
  [books = null] = await read("books", { whole: true });
  const line = books ? capital(books.line) : "";
  write($("books"), books?.is_balanced ? `${line}. Every record is accounted for.` : line);
  $("books").classList.toggle("broken", Boolean(books && !books.is_balanced));
  showState();
}

async function showWindows() {
  const chosen = choice().window ? instant(choice().window) : 0;
  const points = (await read("windows")).map((row) => (instant(row.start) === chosen ? { ...row, is_chosen: true } : row));
  const step = points.length ? instant(points[0].end) - instant(points[0].start) : 0;
  const each = step === state.length_s * 1000;
  write($("windows-hint"), each
    ? `Each step is one window${points.some((row) => row.mark) ? "; triangles: far from usual; diamonds: an hour that happened twice" : ""}.`
    : step ? `Each step is ${durationText(step)}: the mean of its windows, and their least and most. Choose a shorter span to see every window.` : "");
  await charts.show("c-windows", "windows", points, { listen: (view) => view.addEventListener("click", clicked) });
  await charts.show("c-volume", "volume", points, { listen: (view) => view.addEventListener("click", clicked) });
}

function clicked(_event, item) {
  const datum = item?.datum?.datum ?? item?.datum; // of a point, through the cell that makes it easy to hit
  if (datum?.start) openPoint(datum);
}

function openPoint(row) {
  const [start, until] = [instant(row.start), instant(row.end)];
  if (until - start === state.length_s * 1000) openSection("p-window", { window: field(start) });
  else choose({ from: field(start - 3 * DAY), to: field(until + 3 * DAY) });
}

async function showOverview() {
  await charts.show("c-overview", "overview", await read("overview", { whole: true }), {
    listen: (view) => {
      overview = view;
      showBrush();
    },
  });
  await showBrush();
}

// The brush is moved by whoever drags it, and else is where the choice is. (Vega also moves it by itself, when new rows
// change the scale.)
let isDragging = false;

async function showBrush() {
  if (!overview || isDragging || !state?.last) return;
  const { from, to } = choice();
  const scale = overview.scale("x");
  const places = from || to ? [scale(instant(from || state.first)), scale(instant(to || end()))] : [0, 0];
  await overview.signal("span_x", places).runAsync();
}

async function brushed() {
  if (!isDragging) return;
  await overview.runAsync();
  isDragging = false;
  const step = state.length_s * 1000;
  const [from, to] = (overview.signal("span").t ?? []).map((time) => Math.round(time / step) * step);
  if (from === undefined) choose({ from: "", to: "" });
  else if (to > from) choose(spanOf(field(from), field(to)));
  else showBrush();
}

// An end that is that of the store is left open: what is stored later is in the span, too.
function spanOf(from, to) {
  return { from: state?.first && from <= field(state.first) ? "" : from, to: state?.last && to >= field(end()) ? "" : to };
}

async function showWindow() {
  const { window: start } = choice();
  $("p-window").hidden = !start;
  if (!start) return;
  const words = state.question;
  const [rows, rejected] = await Promise.all([
    read("window", { whole: true, own: { window: start } }), read("rejected", { whole: true, own: { window: start } }),
  ]);
  const until = text(instant(start) + state.length_s * 1000);
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
  write($("window-late"), books?.late ? `${count(books.late)} late in the whole store; sf-police late says which, and by how much.` : "");
  if (rejected.length) fill($("window-rejected"), rejected, { columns: REJECTED, caption: "Rejected records with a time in this window." });
  else $("window-rejected").replaceChildren();
  bringIntoView("p-window", "h-window");
}

function windowText(rows, total) {
  const words = state.question;
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
    box.style.background = state.question.colors[row.place];
    const name = item.childNodes[1] ?? item.appendChild(document.createTextNode(""));
    if (name.data !== row.outcome) name.data = row.outcome;
  });
  await charts.show("c-outcomes", "outcomes", rows);
}

async function showShares() {
  await charts.show("c-shares", "shares", await read("shares"));
}

async function showHours() {
  await charts.show("c-hours", "hours", await read("hours"));
}

async function showKinds() {
  kinds = await read("kinds");
  filterKinds();
}

function filterKinds() {
  if (!state) return;
  const words = state.question;
  const wanted = $("find").value.trim().toLowerCase();
  const found = kinds.filter((row) => String(row[words.kind_column]).toLowerCase().includes(wanted));
  const usual = words.usual_column;
  const names = { usual_share: "its share", [`${usual}_${words.rows_column}`]: `its ${words.rows}` };
  write($("found"), kinds.length ? `${count(found.length)} of ${count(kinds.length)} ${words.kinds}` : "");
  fill($("t-kinds"), found, { columns: Object.keys(kinds[0] ?? {}), most: 200, names,
    click: (row) => openSection("p-kind", { kind: String(row[words.kind_column]) }) });
}

function find(wanted) {
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
  await charts.show("c-kind", "kind", over);
  await charts.show("c-kind-hours", "hours", hours);
  await charts.show("c-kind-shares", "shares", shares);
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
    await charts.show(`c-${name}`, "series", rows.filter((row) => row[name] !== null).map((row) => ({ batch: row.batch, value: row[name] })));
  }
}

async function showRejected() {
  const rows = await read("rejected", { whole: true });
  write($("rejected-text"), rows.length ? `The newest ${count(rows.length)}, as text; all of them, with their reasons: sf-police rejected.` : "None.");
  if (rows.length) fill($("t-rejected"), rows, { columns: REJECTED });
  else $("t-rejected").replaceChildren();
}

// ---- refresh: the newest state of everything, one at a time ---------------------------------------------------------

const FIRST = [showWindows];
const REST = [showAnswer, showBooks, showOverview, showWindow, showFindings, showShares, showOutcomes, showHours, showKinds, showKind, showHealth, showRejected];

async function refresh() {
  isWanted = true;
  if (isRefreshing || !state || !charts) return;
  isRefreshing = true;
  clearTimeout(retry);
  $("main").ariaBusy = "true";
  await safely(async () => {
    while (isWanted) {
      isWanted = isStale = false;
      await showAll(state.version);
    }
  });
  isRefreshing = false;
  $("main").ariaBusy = "false";
  document.body.dataset.ready = "yes";
  if (isStale) retry = setTimeout(refresh, RETRY_MS);
}

async function showAll(version) {
  refused = "";
  if (!state.batch) clear();
  showState();
  showChoice();
  if (state.batch) {
    await Promise.all(FIRST.map((show) => show()));
    mark("first", version);
    await Promise.all(REST.map((show) => show()));
    await refreshTables();
    bringIntoView("p-windows");
    mark("all", version);
  }
  shownVersion = version;
  if (!isStale) mark("shown", version);
}

function clear() {
  books = null;
  for (const id of ["answer", "made-of", "books"]) write($(id), "");
  $("books").classList.remove("broken");
}

// What the server refuses is said; whatever else goes wrong is a fault, and the browser's console has it.
async function safely(action) {
  try {
    await action();
  } catch (error) {
    if (error instanceof Loss) {
      showLoss();
      if (events.readyState === EventSource.OPEN) setTimeout(follow, RETRY_MS);
    } else if (error instanceof Refusal) {
      isStale = true;
      refused = error.message;
      showState();
    } else {
      isRefreshing = false;
      throw error;
    }
  }
}

// For whoever measures: `first` is there with the first chart, `all` with the rest; `shown` when nothing is older than that
// version, also where there is nothing.
function mark(name, version) {
  document.body.dataset[name] = version;
}

// ---- every chart as a table --------------------------------------------------------------------------------------------

const open = new Set();

async function refreshTables() {
  for (const panel of open) await showTable(panel);
}

async function showTable(panel) {
  const whole = ["findings", "health", "rejected"].includes(panel);
  const rows = await read(panel, { whole, own: ownChoice(panel) });
  fill($(`t-${panel}`), rows, {
    columns: Object.keys(rows[0] ?? {}).filter((name) => name !== "place"), // of its colour
    names: { rows: state.question.rows, kinds: state.question.kinds, outcome: state.question.outcome },
    click: panel === "windows" ? openPoint : null,
  });
}

function makeTools() {
  const always = ["window", "kinds", "rejected"];
  for (const tools of document.querySelectorAll(".tools")) {
    const panel = tools.dataset.panel;
    const element = $(`t-${panel}`);
    element.tabIndex = 0; // so that it can be scrolled by keys
    element.role = "region";
    element.ariaLabel = `${label(panel)} as a table`;
    if (!always.includes(panel)) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "table";
      button.ariaExpanded = "false";
      button.ariaLabel = `${label(panel)} as a table`;
      button.addEventListener("click", () => {
        if (open.delete(panel)) element.replaceChildren();
        else {
          open.add(panel);
          safely(() => showTable(panel));
        }
        button.ariaExpanded = String(open.has(panel));
      });
      tools.append(button);
    }
    for (const form of ["csv", "json"]) {
      const link = document.createElement("a");
      link.dataset.form = form;
      link.textContent = form.toUpperCase();
      link.setAttribute("aria-label", `${label(panel)} as ${form.toUpperCase()}`);
      tools.append(link);
    }
  }
}

// ---- keys, buttons, messages ---------------------------------------------------------------------------------------

function listen() {
  $("span").addEventListener("input", ({ target }) => edited.add(target.id));
  $("span").addEventListener("submit", (event) => {
    event.preventDefault();
    const [from, to] = ["from", "to"].map((id) => (edited.has(id) ? $(id).value : choice()[id]));
    choose(spanOf(from, to));
  });
  for (const button of document.querySelectorAll("[data-last]")) {
    button.addEventListener("click", () => {
      const days = Number(button.dataset.last);
      choose({ from: days && state?.last ? field(instant(end()) - days * DAY) : "", to: "" });
    });
  }
  $("before").addEventListener("click", () => moveWindow(-1));
  $("after").addEventListener("click", () => moveWindow(1));
  $("close-window").addEventListener("click", () => closeSection("p-window", { window: "" }));
  $("close-kind").addEventListener("click", () => closeSection("p-kind", { kind: "" }));
  $("find").addEventListener("input", () => find($("find").value));
  $("c-overview").addEventListener("pointerdown", () => { isDragging = true; });
  for (const name of ["pointerup", "pointercancel"]) addEventListener(name, brushed);
  document.addEventListener("keydown", pressed);
  addEventListener("popstate", () => {
    edited.clear();
    showChoice();
    refresh();
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? rest() : follow()));
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isTyping = ["INPUT", "TEXTAREA"].includes(document.activeElement?.tagName);
  const { kind, window, q } = choice();
  if (event.key === "/" && !isTyping) {
    event.preventDefault();
    $("find").focus();
  } else if (event.key === "Escape") {
    if (q) find("");
    else if (kind) closeSection("p-kind", { kind: "" });
    else if (window) closeSection("p-window", { window: "" });
  }
}

// ---- messages: one for each commit -------------------------------------------------------------------------------------

let events = null;
let isLost = false;

function follow() {
  if (document.hidden && state) return;
  events?.close();
  events = new EventSource("/events");
  events.addEventListener("message", async (event) => {
    // The same number of another server, which counts anew, is another version.
    const isAnother = isLost;
    isLost = false;
    state = JSON.parse(event.data);
    showState();
    if (isAnother || state.version !== shownVersion) await refresh();
    if (document.hidden) rest();
  });
  events.addEventListener("error", ({ target }) => {
    showLoss();
    // Some browsers give up where nobody listens.
    if (target.readyState === EventSource.CLOSED && target === events) setTimeout(follow, RETRY_MS);
  });
}

// A browser has six connections to a server, for all its pages together: one that nobody sees holds none.
function rest() {
  events?.close();
}

makeTools();
listen();
const response = await fetch("/assets/specs.json");
charts = new Charts(await response.json());
follow();
