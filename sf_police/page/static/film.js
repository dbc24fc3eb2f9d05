// The film's slider: what was read up to a micro-batch, and where the records of that one stand.

const slider = document.getElementById("number");
const play = document.getElementById("play");
const shown = document.getElementById("shown");
const ROUND_MS = 15000;

function units(aheadS) {
  return Math.sign(aheadS) * Math.log1p(Math.abs(aheadS) / 3600 / FILM.linear_h);
}

function show(number) {
  const text = `${number} of ${slider.max}`;
  slider.value = number;
  slider.setAttribute("aria-valuetext", text);
  shown.textContent = text;
  for (const [name, frames] of Object.entries(FILM.ways)) showWay(document.getElementById(name), frames, number);
  document.body.dataset.shown = number;
}

function showWay(section, frames, number) {
  // A way may take a micro-batch less than another: then its last one stays.
  const frame = frames[Math.min(number, frames.length) - 1];
  const count = section.querySelector("[data-count]");
  count.textContent = frame.count;
  count.className = frame.is_late ? "count late" : "count kept";
  section.querySelector("[data-said]").textContent = frame.said;
  const toCome = section.querySelector(".to-come");
  const [first, last, right] = ["first", "last", "right"].map((key) => Number(toCome.dataset[key]));
  const x = first + ((last - first) * number) / Number(slider.max);
  toCome.querySelector("rect").setAttribute("x", x);
  toCome.querySelector("rect").setAttribute("width", right - x);
  toCome.querySelector("path").setAttribute("transform", `translate(${x})`);
  toCome.toggleAttribute("hidden", number === Number(slider.max));
  const paths = { kept: section.querySelector("[data-dots=kept]"), late: section.querySelector("[data-dots=late]") };
  const { zero, unit, top, row } = Object.fromEntries(
    Object.entries(paths.kept.dataset).map(([key, value]) => [key, Number(value)]));
  const dots = { kept: "", late: "" };
  frame.records.forEach(([partition, aheadS], index) => {
    // A little up and down, so that records of the same minute are seen side by side.
    const y = top + row * (partition + 0.5 + ((index % 3) - 1) * 0.2);
    dots[aheadS > 0 ? "kept" : "late"] += `M${(zero + units(aheadS) * unit).toFixed(1)} ${y.toFixed(1)}h0`;
  });
  for (const [kind, path] of Object.entries(paths)) path.setAttribute("d", dots[kind]);
}

let running = null;

function stop() {
  cancelAnimationFrame(running);
  running = null;
  play.textContent = "Play";
}

function start() {
  const last = Number(slider.max);
  const from = Number(slider.value) === last ? 0 : Number(slider.value);
  let begun = null;
  play.textContent = "Pause";
  const step = (now) => {
    begun ??= now;
    const number = Math.min(last, from + 1 + Math.floor(((now - begun) / ROUND_MS) * last));
    if (number !== Number(slider.value)) show(number);
    if (number === last) stop();
    else running = requestAnimationFrame(step);
  };
  running = requestAnimationFrame(step);
}

slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
play.addEventListener("click", () => (running === null ? start() : stop()));
show(Number(slider.value));
