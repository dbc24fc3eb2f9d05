// The page: what is chosen is in the address, what is shown comes from /data, and each commit is a message.

import { Charts } from "./charts.js";
import { count, fill, label, percent } from "./tables.js";

const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const DAY = 86_400_000;
const SERIES = [
  ["rows_per_s", "rows/s"], ["lag", "lag, records"], ["seconds", "seconds of a micro-batch"],
  ["behind_s", "watermark behind the newest event, s"], ["state_rows", "state rows"],
];

// On a phone the first ones are seen.
const REJECTED = ["reason", "value", "bytes", "time", "topic", "partition", "offset"];

const $ = (id) => document.getElementById(id);
let state = null;
let charts = null;
let kinds = [];
let books;
let shownVersion = -1;
let isRefreshing = false;
let isStale = false;
let brushed = 0;

// ---- what is chosen ----------------------------------------------------------------------------------------------

function choice() {
  const given = new URLSearchParams(location.search);
  return { from: given.get("from") ?? "", to: given.get("to") ?? "", window: given.get("window") ?? "",
    kind: given.get("kind") ?? "", q: given.get("q") ?? "" };
}

function choose(changes, { replace = false } = {}) {
  const given = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value) given.set(name, value);
    else given.delete(name);
  }
  const address = given.size ? `?${given}` : location.pathname;
  if (`${location.pathname}${location.search}` !== address && location.search !== address) {
    history[replace ? "replaceState" : "pushState"](null, "", address);
  }
  showChoice();
  return refresh();
}

function address(panel, form, { whole = false, own = {} } = {}) {
  const { from, to } = whole ? {} : choice();
  const given = new URLSearchParams(Object.entries({ from, to, ...own }).filter(([, value]) => value));
  return `/data/${panel}.${form}${given.size ? `?${given}` : ""}`;
}

function ownChoice(panel) {
  const { kind, window } = choice();
  if (panel === "window" || panel === "rejected") return panel === "window" ? { window } : {};
  return panel === "kind" ? { kind } : {};
}

async function read(panel, options = {}) {
  const response = await fetch(address(panel, "json", options));
  if (!response.ok) throw new Error((await response.text()).trim());
  const found = await response.json();
  if (!found.is_newest) isStale = true;
  return found.rows;
}

function showChoice() {
  const chosen = choice();
  $("from").value = (chosen.from || state?.first || "").replace(" ", "T").slice(0, 16);
  $("to").value = (chosen.to || end() || "").replace(" ", "T").slice(0, 16);
  if (document.activeElement !== $("find")) $("find").value = chosen.q;
  for (const tools of document.querySelectorAll(".tools")) {
    const panel = tools.dataset.panel;
    for (const link of tools.querySelectorAll("a")) {
      link.href = address(panel, link.dataset.form, { own: ownChoice(panel) });
    }
  }
}

function end() {
  return state?.last ? text(instant(state.last) + state.length_s * 1000) : "";
}

// ---- wall clock, which is handled as if it were UTC -----------------------------------------------------------------

function instant(time) {
  return Date.parse(`${time.replace(" ", "T")}Z`);
}

function text(ms) {
  return new Date(ms).toISOString().slice(0, 16).replace("T", " ");
}

function field(ms) {
  return text(ms).replace(" ", "T");
}

function span(start, until) {
  const from = text(instant(start));
  const to = text(instant(until));
  const day = WEEKDAYS[new Date(instant(start)).getUTCDay()];
  return `${day}, ${from} to ${from.slice(0, 10) === to.slice(0, 10) ? to.slice(11) : to}`;
}

// ---- the state of things --------------------------------------------------------------------------------------------

function showState() {
  const words = state.question;
  document.title = `${words.kinds} per window: ${state.state_text}`;
  $("badge").dataset.state = state.state;
  $("badge").textContent = state.state_text;
  $("note").textContent = state.note;
  $("where").textContent = state.topic ? `topic ${state.topic}` : "";
  $("question").textContent = words.title;
  $("h-windows").textContent = `${capital(words.kinds)} per window`;
  $("h-shares").textContent = `Usual ${words.outcome}`;
  $("h-outcomes").textContent = `Share of each ${words.outcome} over time`;
  $("h-hours").textContent = `${capital(words.rows)} by weekday and hour`;
  $("h-kinds").textContent = capital(words.kinds);
  $("rule").textContent = words.rule;
  $("reading").textContent = state.state === "none" || state.is_whole ? "" : `reading the store: since ${state.first ?? "…"} so far`;
  $("program").textContent = `sf-police ${state.program}. Times are wall clock${words.time_zone ? ` of ${words.time_zone}` : ""}, as in the records.`;
  const step = state.length_s ? Math.max(60, state.length_s) : 1800;
  $("from").step = $("to").step = step;
  const batch = state.batch;
  $("health-text").textContent = batch ? `latest ${batch.text}; lag ${batch.lag === null ? "unknown" : count(batch.lag)}; watermark ${batch.watermark?.slice(0, 19) ?? "none yet"}; committed at ${batch.committed_at?.slice(0, 19) ?? "?"} UTC` : "";
}

function capital(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

// ---- panels -----------------------------------------------------------------------------------------------------------

async function showAnswer() {
  const [answer] = await read("answer");
  $("answer").textContent = answer?.answer ?? "";
  const chosen = choice();
  $("made-of").textContent = answer ? `${answer.made_of}${chosen.from || chosen.to ? " (in the chosen span)" : ""}` : "";
}

async function showBooks() {
  [books] = await read("books", { whole: true });
  if (!books) return;
  $("books").textContent = books.is_balanced ? `${capital(books.line)}. Every record is accounted for.` : capital(books.line);
  $("books").classList.toggle("broken", !books.is_balanced);
  if (!books.is_balanced) {
    $("badge").dataset.state = "broken";
    $("badge").textContent = "books do not balance";
    $("note").textContent = "do not trust these figures: run `make doctor`, which says what is wrong";
  }
}

let points = [];

async function showWindows() {
  const chosen = choice().window ? instant(choice().window) : 0;
  points = (await read("windows")).map((row) => (instant(row.start) === chosen ? { ...row, is_chosen: true } : row));
  const step = points.length ? instant(points[0].end) - instant(points[0].start) : 0;
  const each = step === state.length_s * 1000;
  $("windows-hint").textContent = each
    ? `Each step is one window${points.some((row) => row.mark) ? "; triangles: far from usual; diamonds: an hour that happened twice" : ""}.`
    : step ? `Each step is ${duration(step)}: the mean of its windows, and their least and most. Choose a shorter span to see every window.` : "";
  await charts.show("c-windows", "windows", points, { listen: (view) => view.addEventListener("click", clicked) });
  await charts.show("c-volume", "volume", points, { listen: (view) => view.addEventListener("click", clicked) });
}

function duration(ms) {
  const hours = ms / 3_600_000;
  return hours < 1 ? `${hours * 60} minutes` : hours % 24 ? `${hours} hours` : `${hours / 24} days`;
}

function clicked(_event, item) {
  const datum = item?.datum?.datum ?? item?.datum; // of a point, through the cell that makes it easy to hit
  if (datum?.start) openPoint(datum);
}

function openPoint(row) {
  const [start, until] = [instant(row.start), instant(row.end)];
  if (until - start === state.length_s * 1000) choose({ window: field(start) });
  else choose({ from: field(start - 3 * DAY), to: field(until + 3 * DAY) });
}

async function showOverview() {
  await charts.show("c-overview", "overview", await read("overview", { whole: true }), {
    listen: (view) => view.addSignalListener("span", (_, value) => brush(value.t)),
  });
}

function brush(range) {
  clearTimeout(brushed);
  if (!range) return;
  brushed = setTimeout(() => {
    const step = state.length_s * 1000;
    const [from, to] = [Math.floor(range[0] / step) * step, Math.ceil(range[1] / step) * step];
    if (to > from) choose({ from: field(from), to: field(to) });
  }, 250);
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
  $("h-window").textContent = span(start, until);
  const total = rows.reduce((sum, row) => sum + row[words.rows_column], 0);
  const distinct = new Set(rows.map((row) => row[words.kind_column])).size;
  const votes = new Map();
  for (const row of rows) {
    const outcome = row[words.outcome_column];
    if (outcome !== words.no_vote) votes.set(outcome, (votes.get(outcome) ?? 0) + row[words.rows_column]);
  }
  const [usual] = [...votes].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  $("window-text").textContent = rows.length
    ? `${count(distinct)} ${words.kinds}, ${count(total)} ${words.rows}; usual ${words.outcome}: ${usual ? `${usual[0]}, ${count(usual[1])} ${words.rows} (${percent(usual[1] / total)})` : "none recorded"}.`
    : `No ${words.rows} in this window.`;
  const table = rows.map((row) => ({
    [words.kind_column]: row[words.kind_column], [words.outcome_column]: row[words.outcome_column],
    [words.rows_column]: row[words.rows_column], share: row[words.rows_column] / total,
  }));
  fill($("t-window"), table, { click: (row) => choose({ kind: row[words.kind_column] }),
    mark: (row) => (row[words.outcome_column] === words.no_vote ? "unrecorded" : "") });
  $("window-late").textContent = books?.late
    ? `${count(books.late)} late in the whole store; sf-police late says which, and by how much.` : "";
  if (rejected.length) fill($("window-rejected"), rejected, { columns: REJECTED, caption: "Rejected records with a time in this window." });
  else $("window-rejected").replaceChildren();
}

async function showFindings() {
  const rows = await read("findings", { whole: true });
  const list = $("findings");
  const scroll = list.scrollTop;
  const marks = { few: "▼", many: "▲", repeated: "◆", day: "", hours: "" };
  list.replaceChildren(...rows.map((row) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    const sign = document.createElement("span");
    sign.className = "mark";
    sign.textContent = marks[row.kind] ?? "";
    button.append(sign, row.text);
    button.addEventListener("click", () => choose({
      from: field(instant(row.start) - DAY), to: field(instant(row.end) + DAY),
      window: ["few", "many", "repeated"].includes(row.kind) ? field(instant(row.start)) : "",
    }));
    item.append(button);
    return item;
  }));
  list.scrollTop = scroll;
  if (!rows.length) list.textContent = "Nothing yet: it takes five weeks of windows to know what is usual.";
}

async function showOutcomes() {
  const rows = await read("outcomes");
  const names = [...new Map(rows.map((row) => [row.outcome, row])).values()];
  $("legend").replaceChildren(...names.map((row) => {
    const item = document.createElement("li");
    const box = document.createElement("span");
    box.style.background = state.question.colors[row.place];
    item.append(box, row.outcome);
    return item;
  }));
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
  const words = state.question;
  const wanted = $("find").value.trim().toLowerCase();
  const found = kinds.filter((row) => String(row[words.kind_column]).toLowerCase().includes(wanted));
  const usual = words.usual_column;
  const names = { usual_share: "its share", [`${usual}_${words.rows_column}`]: `its ${words.rows}` };
  $("found").textContent = kinds.length ? `${count(found.length)} of ${count(kinds.length)} ${words.kinds}` : "";
  fill($("t-kinds"), found, { most: 200, names, click: (row) => choose({ kind: String(row[words.kind_column]) }) });
}

async function showKind() {
  const { kind } = choice();
  $("kind").hidden = !kind;
  if (!kind) return;
  $("h-kind").textContent = kind;
  const own = { kind };
  const [over, hours, shares] = await Promise.all([read("kind", { own }), read("hours", { own }), read("shares", { own })]);
  await charts.show("c-kind", "kind", over);
  await charts.show("c-kind-hours", "hours", hours);
  await charts.show("c-kind-shares", "shares", shares);
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
  $("rejected-text").textContent = rows.length ? `The newest ${count(rows.length)}, as text; all of them, with their reasons: sf-police rejected.` : "None.";
  if (rows.length) fill($("t-rejected"), rows, { columns: REJECTED });
  else $("t-rejected").replaceChildren();
}

// ---- refresh: the newest state of everything, one at a time ---------------------------------------------------------

const FIRST = [showWindows];
const REST = [showAnswer, showBooks, showOverview, showWindow, showFindings, showShares, showOutcomes, showHours, showKinds, showKind, showHealth, showRejected];
let isWanted = false;

async function refresh() {
  isWanted = true;
  if (isRefreshing || !state || !charts) return;
  isRefreshing = true;
  try {
    while (isWanted) {
      isWanted = false;
      isStale = false;
      const version = state.version;
      showState();
      showChoice();
      if (!state.length_s && state.state !== "stopped" && state.state !== "idle" && state.state !== "live") break;
      await Promise.all(FIRST.map((show) => show()));
      mark("first", version);
      await Promise.all(REST.map((show) => show()));
      await refreshTables();
      shownVersion = version;
      mark("all", version);
      if (isStale) setTimeout(refresh, 2000);
    }
  } catch (error) {
    $("note").textContent = error.message;
  } finally {
    isRefreshing = false;
    if (!document.body.dataset.all) document.body.dataset.ready = "yes";
  }
}

function mark(name, version) {
  document.body.dataset[name] = version;
  document.body.dataset.ready = "yes";
  performance.mark(`${name}-${version}`);
}

// ---- every chart as a table --------------------------------------------------------------------------------------------

const open = new Set();

async function refreshTables() {
  for (const panel of open) await showTable(panel);
}

async function showTable(panel) {
  const whole = ["findings", "health", "rejected"].includes(panel);
  fill($(`t-${panel}`), await read(panel, { whole, own: ownChoice(panel) }), {
    names: { rows: state.question.rows, kinds: state.question.kinds, outcome: state.question.outcome },
    click: panel === "windows" ? openPoint : null,
  });
}

function makeTools() {
  const always = ["window", "kinds", "rejected"];
  for (const tools of document.querySelectorAll(".tools")) {
    const panel = tools.dataset.panel;
    if (!always.includes(panel)) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "table";
      button.setAttribute("aria-expanded", "false");
      button.setAttribute("aria-label", `${label(panel)} as a table`);
      const element = $(`t-${panel}`);
      element.tabIndex = 0;
      element.role = "region";
      element.ariaLabel = `${label(panel)} as a table`;
      button.addEventListener("click", async () => {
        if (open.delete(panel)) element.replaceChildren();
        else {
          open.add(panel);
          await showTable(panel);
        }
        button.setAttribute("aria-expanded", String(open.has(panel)));
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
  $("span").addEventListener("submit", (event) => {
    event.preventDefault();
    choose({ from: $("from").value, to: $("to").value });
  });
  for (const button of document.querySelectorAll("[data-last]")) {
    button.addEventListener("click", () => {
      const days = Number(button.dataset.last);
      if (!days || !state?.last) choose({ from: "", to: "" });
      else choose({ from: text(instant(end()) - days * DAY).replace(" ", "T"), to: "" });
    });
  }
  const move = (steps) => choose({ window: text(instant(choice().window) + steps * state.length_s * 1000).replace(" ", "T") });
  $("before").addEventListener("click", () => move(-1));
  $("after").addEventListener("click", () => move(1));
  $("close-window").addEventListener("click", () => choose({ window: "" }));
  $("close-kind").addEventListener("click", () => choose({ kind: "" }));
  $("find").addEventListener("input", () => {
    filterKinds();
    const given = new URLSearchParams(location.search);
    if ($("find").value) given.set("q", $("find").value);
    else given.delete("q");
    history.replaceState(null, "", given.size ? `?${given}` : location.pathname);
  });
  document.addEventListener("keydown", (event) => {
    const typing = ["INPUT", "TEXTAREA"].includes(document.activeElement?.tagName);
    if (event.key === "/" && !typing) {
      event.preventDefault();
      $("find").focus();
    } else if (event.key === "Escape") {
      if (document.activeElement === $("find")) {
        $("find").value = "";
        $("find").blur();
        filterKinds();
        choose({ q: "" }, { replace: true });
      } else if (choice().kind) choose({ kind: "" });
      else if (choice().window) choose({ window: "" });
    }
  });
  addEventListener("popstate", () => {
    showChoice();
    refresh();
  });
}

function follow() {
  const events = new EventSource("/events");
  events.addEventListener("message", (event) => {
    state = JSON.parse(event.data);
    showState();
    if (state.version !== shownVersion) refresh();
  });
  events.addEventListener("error", () => {
    $("badge").dataset.state = "away";
    $("badge").textContent = "connection lost";
    $("note").textContent = "the dashboard has ended, or cannot be reached; the page comes back by itself";
  });
}

makeTools();
listen();
const response = await fetch("/assets/specs.json");
charts = new Charts(await response.json());
follow();
