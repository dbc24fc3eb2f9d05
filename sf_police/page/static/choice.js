// What is chosen (span, window, kind, text to find) is in the address, so that a view can be sent to someone. Whatever
// an address holds that cannot be chosen counts as not chosen. Times are wall clock, handled as if they were UTC.

export const DAY = 86_400_000;

const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const TIME = /^(?!0000)\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?$/;
const LONGEST_KIND = 2_000;
const LONGEST_FIND = 200;

export function choice() {
  const given = new URLSearchParams(location.search);
  const kind = given.get("kind") ?? "";
  return { from: timeIn(given, "from"), to: timeIn(given, "to"), window: timeIn(given, "window"),
    kind: kind.length > LONGEST_KIND ? "" : kind, q: (given.get("q") ?? "").slice(0, LONGEST_FIND),
    record: (given.get("record") ?? "").trim().slice(0, LONGEST_FIND) };
}

// 30 February would become a day in March.
function timeIn(given, name) {
  const time = given.get(name) ?? "";
  return TIME.test(time) && !Number.isNaN(instant(time)) && field(instant(time)) === field(time) ? time : "";
}

// Puts changes into the address; as a new entry of the history, unless they replace the present one.
export function putChoice(changes, { replace = false } = {}) {
  const given = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value) given.set(name, value);
    else given.delete(name);
  }
  const search = given.size ? `?${given}` : "";
  if (search === location.search) return;
  history[replace ? "replaceState" : "pushState"](null, "", search || location.pathname);
}

// The address of a panel's rows in the chosen span, or of the whole store.
export function address(panel, form, { whole = false, own = {} } = {}) {
  const { from, to } = whole ? {} : choice();
  const given = new URLSearchParams(Object.entries({ from, to, ...own }).filter(([, value]) => value));
  return `/data/${panel}.${form}${given.size ? `?${given}` : ""}`;
}

// What of the choice a panel has besides the span.
export function ownChoice(panel) {
  const { kind, window } = choice();
  return panel === "window" ? { window } : panel === "kind" ? { kind } : {};
}

export function instant(time) {
  return Date.parse(`${time.replace(" ", "T")}Z`);
}

export function text(ms) {
  return new Date(ms).toISOString().slice(0, 16).replace("T", " ");
}

// A time as fields and addresses have it; milliseconds, or text.
export function field(time) {
  return (typeof time === "number" ? text(time) : time).replace(" ", "T").slice(0, 16);
}

export function spanText(start, until) {
  const [from, to] = [text(instant(start)), text(instant(until))];
  const day = WEEKDAYS[new Date(instant(start)).getUTCDay()];
  return `${day}, ${from} to ${from.slice(0, 10) === to.slice(0, 10) ? to.slice(11) : to}`;
}

export function durationText(ms) {
  const [length, unit] = [[DAY, "day"], [DAY / 24, "hour"], [60_000, "minute"]].find(([each]) => ms % each === 0);
  return `${ms / length} ${unit}${ms === length ? "" : "s"}`;
}
