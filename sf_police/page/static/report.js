// The report's charts and tables, from the rows that are in the file.

const drawn = new Charts(REPORT.specs);
const panelOf = { windows: "windows", volume: "windows", shares: "shares", outcomes: "outcomes", hours: "hours" };

for (const [name, panel] of Object.entries(panelOf)) await drawn.show(`c-${name}`, name, REPORT.panels[panel]);
const usual = REPORT.words.usual_column;
fill(document.getElementById("t-kinds"), REPORT.panels.kinds, {
  caption: `The ${REPORT.panels.kinds.length} most frequent.`,
  decimals: REPORT.words.decimals,
  names: { usual_share: "its share", [`${usual}_${REPORT.words.rows_column}`]: `its ${REPORT.words.rows}` },
});
fill(document.getElementById("t-health"), REPORT.panels.health, { caption: `The newest ${REPORT.panels.health.length}.` });
document.body.dataset.all = "yes";
