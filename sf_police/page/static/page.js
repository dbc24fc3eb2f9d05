// The page: what is chosen is in the address, what is shown comes from /data, and each commit is a message.

import { $, Loss, Refusal, end, page, read } from "./app.js";
import { Charts } from "./charts.js";
import { DAY, choice, field, instant, ownChoice, putChoice } from "./choice.js";
import {
  bringIntoView, choose, closeSection, edited, grabBrush, moveWindow, releaseBrush, showChoice, spanOf,
} from "./choose.js";
import { FIRST, REST, find, openPoint } from "./panels.js";
import { clearFigures, showLoss, showState } from "./status.js";
import { fill, label } from "./tables.js";
import { showTrace } from "./trace.js";

const RETRY_MS = 2_000;

// ---- refresh: the newest state of everything, one at a time ---------------------------------------------------------

let shownVersion = -1;
let isRefreshing = false;
let isWanted = false;
let retry = 0;

async function refresh() {
  isWanted = true;
  if (isRefreshing || !page.state || !page.charts) return;
  isRefreshing = true;
  clearTimeout(retry);
  $("main").ariaBusy = "true";
  await safely(async () => {
    while (isWanted) {
      isWanted = page.isStale = false;
      await showAll(page.state.version);
    }
  });
  isRefreshing = false;
  $("main").ariaBusy = "false";
  document.body.dataset.ready = "yes";
  if (page.isStale) retry = setTimeout(refresh, RETRY_MS);
}

async function showAll(version) {
  page.refused = "";
  if (!page.state.batch) clearFigures();
  showState();
  showChoice();
  if (page.state.batch) {
    await Promise.all(FIRST.map((show) => show()));
    mark("first", version);
    await Promise.all(REST.map((show) => show()));
    await refreshTables();
    bringIntoView("p-windows");
    mark("all", version);
  }
  shownVersion = version;
  if (!page.isStale) mark("shown", version);
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
      page.isStale = true;
      page.refused = error.message;
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
    names: { rows: page.state.question.rows, kinds: page.state.question.spread, outcome: page.state.question.outcome },
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
      choose({ from: days && page.state?.last ? field(instant(end()) - days * DAY) : "", to: "" });
    });
  }
  $("before").addEventListener("click", () => moveWindow(-1));
  $("after").addEventListener("click", () => moveWindow(1));
  $("close-window").addEventListener("click", () => closeSection("p-window", { window: "" }));
  $("close-kind").addEventListener("click", () => closeSection("p-kind", { kind: "" }));
  $("trace").addEventListener("submit", (event) => {
    event.preventDefault();
    putChoice({ record: $("trace-id").value.trim() });
    showTrace();
  });
  $("find").addEventListener("input", () => find($("find").value));
  $("c-overview").addEventListener("pointerdown", grabBrush);
  for (const name of ["pointerup", "pointercancel"]) addEventListener(name, releaseBrush);
  document.addEventListener("keydown", pressed);
  addEventListener("popstate", () => {
    edited.clear();
    showChoice();
    showTrace();
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

function follow() {
  if (document.hidden && page.state) return;
  events?.close();
  events = new EventSource("/events");
  events.addEventListener("message", async (event) => {
    // The same number of another server, which counts anew, is another version.
    const isAnother = page.isLost;
    page.isLost = false;
    page.state = JSON.parse(event.data);
    showState();
    if (isAnother || page.state.version !== shownVersion) await refresh();
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

page.refresh = refresh;
makeTools();
listen();
const response = await fetch("/assets/specs.json");
page.charts = new Charts(await response.json());
follow();
showTrace();
