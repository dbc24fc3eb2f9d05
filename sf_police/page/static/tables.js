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

function isTime(text) {
  return typeof text === "string" && /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/.test(text);
}

function shown(name, value) {
  if (name === "share" || name.endsWith("_share")) return percent(value);
  if (isTime(value)) return value.slice(0, name.endsWith("committed_at") ? 19 : 16);
  if (typeof value === "number") return name === "batch" || name === "hour" ? String(value) : count(value);
  return value === null || value === undefined ? "" : String(value);
}

// Fills the element with a table of the rows; `click(row)` makes the first column's texts buttons.
export function fill(element, rows, { caption = "", columns = null, names = {}, most = 500, click = null, mark = null } = {}) {
  const scroll = element.scrollTop;
  const table = document.createElement("table");
  table.createCaption().textContent = caption + (rows.length > most ? ` The first ${count(most)} of ${count(rows.length)} rows; all of them: CSV.` : "");
  const shownColumns = columns ?? (rows.length ? Object.keys(rows[0]) : []);
  const numeric = new Set(shownColumns.filter((name) => rows.some((row) => typeof row[name] === "number")));
  const head = table.createTHead().insertRow();
  for (const name of shownColumns) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = names[name] ?? label(name);
    if (numeric.has(name)) cell.className = "n";
    head.append(cell);
  }
  const body = table.createTBody();
  for (const row of rows.slice(0, most)) {
    const line = body.insertRow();
    if (mark && mark(row)) line.className = mark(row);
    shownColumns.forEach((name, place) => {
      const cell = line.insertCell();
      const text = shown(name, row[name]);
      if (click && place === 0) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = text || "(blank)";
        button.addEventListener("click", () => click(row));
        cell.append(button);
      } else if (name === "value") {
        const code = document.createElement("code");
        code.textContent = text;
        cell.append(code);
        cell.className = "value";
      } else {
        cell.textContent = text;
      }
      if (numeric.has(name)) cell.className = "n";
      else if (isTime(row[name])) cell.className = "t";
    });
  }
  element.replaceChildren(table);
  element.scrollTop = scroll;
}
