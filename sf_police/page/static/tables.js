// Tables, built from rows as text: nothing in a record can become markup.

const number = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });

export function count(value) {
  return value === null || value === undefined ? "" : number.format(value);
}

export function percent(share) {
  if (share === null || share === undefined) return "";
  return share > 0 && share < 0.005 ? "<1 %" : `${Math.round(share * 100)} %`;
}

export function label(name) {
  return name.replaceAll("_", " ");
}

// Sets a text only where it differs: what is selected stays so, and nothing is read out again.
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function isTime(text) {
  return typeof text === "string" && /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/.test(text);
}

// Exact fractions come as texts, such as "203677.93", in columns that the question names.
function decimal(value) {
  const [whole, fraction] = value.split(".");
  return whole.replace(/\B(?=(\d{3})+$)/g, ",") + (fraction ? `.${fraction}` : "");
}

function shown(name, value, decimals) {
  if (typeof value === "string" && decimals.includes(name)) return decimal(value);
  if (name === "share" || name.endsWith("_share")) return percent(value);
  if (isTime(value)) return value.slice(0, name.endsWith("committed_at") ? 19 : 16);
  if (typeof value === "number") return name === "batch" || name === "hour" ? String(value) : count(value);
  return value === null || value === undefined ? "" : String(value);
}

// Fills the element with a table of the rows; `click(row)` makes the first column's texts buttons. A table that is there
// is filled in place, so that the focus, a selection and the scroll position stay.
export function fill(element, rows, { caption = "", columns = null, names = {}, decimals = [], most = 500, click = null, mark = null } = {}) {
  const shownColumns = columns ?? (rows.length ? Object.keys(rows[0]) : []);
  const numeric = new Set(shownColumns.filter((name) => decimals.includes(name) || rows.some((row) => typeof row[name] === "number")));
  const table = tableOf(element, shownColumns.map((name) => names[name] ?? label(name)));
  const more = rows.length > most ? `The first ${count(most)} of ${count(rows.length)} rows; all of them: CSV.` : "";
  const keys = click && rows.length > 1 ? "The arrow keys go from row to row." : "";
  write(table.caption, [caption, more, keys].filter(Boolean).join(" "));
  shownColumns.forEach((name, place) => { table.tHead.rows[0].cells[place].className = numeric.has(name) ? "n" : ""; });
  const body = table.tBodies[0];
  const focused = body.contains(document.activeElement) ? document.activeElement.closest("tr") : null;
  const key = focused && keyOf(focused);
  const kept = rows.slice(0, most);
  while (body.rows.length > kept.length) body.deleteRow(-1);
  kept.forEach((row, place) => {
    const line = body.rows[place] ?? body.insertRow();
    line.className = (mark && mark(row)) || "";
    shownColumns.forEach((name, at) => {
      const cell = line.cells[at] ?? line.insertCell();
      cell.className = numeric.has(name) ? "n" : name === "value" ? "value" : isTime(row[name]) ? "t" : "";
      const holder = click && at === 0 ? buttonIn(cell, () => click(row)) : name === "value" ? codeIn(cell) : cell;
      write(holder, shown(name, row[name], decimals) || (click && at === 0 ? "(blank)" : ""));
    });
  });
  makeReachable(body);
  if (focused && (!focused.isConnected || keyOf(focused) !== key)) followFocus(body, key);
}

function tableOf(element, heads) {
  const known = element.querySelector("table");
  const signature = JSON.stringify(heads);
  if (known?.dataset.heads === signature) return known;
  const table = document.createElement("table");
  table.dataset.heads = signature;
  table.createCaption();
  const head = table.createTHead().insertRow();
  for (const name of heads) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = name;
    head.append(cell);
  }
  table.createTBody();
  table.addEventListener("keydown", goToRow);
  table.addEventListener("focusin", ({ target }) => makeReachable(table.tBodies[0], target.closest("tbody button")));
  element.replaceChildren(table);
  return table;
}

function buttonIn(cell, click) {
  const button = cell.firstElementChild ?? cell.appendChild(document.createElement("button"));
  button.type = "button";
  button.onclick = click;
  return button;
}

function codeIn(cell) {
  return cell.firstElementChild ?? cell.appendChild(document.createElement("code"));
}

// A table's buttons are one stop of the Tab key, and the arrow keys go from one to the next: some tables have hundreds.
function makeReachable(body, chosen = null) {
  const buttons = [...body.querySelectorAll("button")];
  const reached = chosen ?? buttons.find((button) => button.tabIndex === 0 && button.hasAttribute("tabindex")) ?? buttons[0];
  for (const button of buttons) button.tabIndex = button === reached ? 0 : -1;
}

function goToRow(event) {
  const buttons = [...event.currentTarget.querySelectorAll("tbody button")];
  const at = buttons.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
  if (at < 0 || !(to in buttons)) return;
  event.preventDefault();
  buttons[to].focus();
}

// What tells a row from the others, whatever its numbers become.
function keyOf(line) {
  return [...line.cells].filter((cell) => cell.className !== "n").map((cell) => cell.textContent).join("\n");
}

// What had the focus is in another row by now, if there is one.
function followFocus(body, key) {
  const line = [...body.rows].find((row) => keyOf(row) === key);
  (line ?? body.rows[0])?.querySelector("button")?.focus({ preventScroll: true });
}
