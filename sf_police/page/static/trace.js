// One record's way: looked for when somebody asks for it, and not again with each commit.

import { $ } from "./app.js";
import { choice } from "./choice.js";
import { setValue } from "./choose.js";
import { fill, write } from "./tables.js";

const LOST = "the dashboard cannot be reached";

let turn = 0;

export async function showTrace() {
  const { record } = choice();
  const own = ++turn;
  setValue("trace-id", record);
  $("t-trace").replaceChildren();
  write($("trace-said"), record ? "looking through the topic …" : "");
  if (!record) return;
  const { said, rows } = await ask(record);
  if (own !== turn) return; // somebody has asked for another one meanwhile
  write($("trace-said"), said);
  const columns = rows.some((row) => row.record > 1) ? ["record", "stage", "what"] : ["stage", "what"];
  if (rows.length) fill($("t-trace"), rows, { columns });
}

async function ask(record) {
  const response = await fetch(`/data/trace.json?${new URLSearchParams({ id: record })}`).catch(() => null);
  if (!response?.ok) return { said: response ? (await response.text()).trim() : LOST, rows: [] };
  return response.json();
}
