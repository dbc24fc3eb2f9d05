// Charts: each is made once, and then only its rows change, so that nothing jumps.

const dark = matchMedia("(prefers-color-scheme: dark)");

function config() {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(name).trim();
  const font = "system-ui, 'Segoe UI', Roboto, sans-serif";
  const axis = { labelColor: color("--quiet"), titleColor: color("--quiet"), gridColor: color("--line"),
    domainColor: color("--line"), tickColor: color("--line"), labelFontSize: 12, titleFontSize: 12, titleFontWeight: 500 };
  return {
    background: null, font, mark: { color: color("--chart") }, view: { stroke: null }, axis,
    rule: { color: color("--ink") }, // at what is chosen
    selection: { interval: { mark: { fill: color("--ink"), fillOpacity: 0.16, stroke: color("--ink"), strokeOpacity: 0.6 } } },
    legend: { labelColor: color("--quiet"), titleColor: color("--quiet"), labelFontSize: 12, titleFontSize: 12, titleFontWeight: 500 },
  };
}

export class Charts {
  constructor(specs) {
    this.specs = specs;
    this.made = new Map();
    this.remaking = Promise.resolve();
    dark.addEventListener("change", () => { this.remaking = this.remaking.then(() => this.remake()); });
  }

  // Shows rows in the element with this id; `listen(view)` is called for each new view.
  async show(id, name, rows, { listen = null } = {}) {
    const known = this.made.get(id);
    if (known) {
      known.rows = rows;
      const view = await known.view;
      if (known.rows === rows) await view.data("rows", rows).runAsync();
      return view;
    }
    const chart = { name, rows, listen };
    this.made.set(id, chart);
    chart.view = this.make(id, chart);
    return chart.view;
  }

  async make(id, chart) {
    const spec = { ...this.specs[chart.name], data: { name: "rows", values: chart.rows } };
    const result = await vegaEmbed(document.getElementById(id), spec, {
      actions: false, ast: true, config: config(), defaultStyle: false, mode: "vega-lite", renderer: "canvas", logLevel: 1,
      tooltip: { disableDefaultStyle: true, theme: "custom" },
    });
    chart.result = result;
    if (chart.listen) chart.listen(result.view);
    const element = document.getElementById(id);
    element.view = result.view; // for whoever asks in the browser's console, and for tests
    element.dataset.drawn = "yes";
    return result.view;
  }

  async remake() {
    for (const [id, chart] of this.made) {
      await chart.view;
      chart.result.finalize();
      chart.view = this.make(id, chart);
    }
  }
}
