"""The report: one HTML file that needs nothing else, and the same as Markdown with pictures. Pure, from panels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Any, Final

from sf_police.page.describe import words_of
from sf_police.question import Question, percent
from sf_police.view.terminal import printable, to_json

Row = dict[str, Any]

# What the pictures are of, in the order of the report: panel, spec and heading.
_HEADINGS: Final = {
    "windows": "{spread} per window",
    "volume": "{rows} per window",
    "shares": "usual {outcome}",
    "outcomes": "share of each {outcome} over time",
    "hours": "{rows} by weekday and hour",
}
CHARTS: Final = {
    "windows": "windows",
    "volume": "windows",
    "shares": "shares",
    "outcomes": "outcomes",
    "hours": "hours",
}
PANELS: Final = ("answer", "books", "windows", "findings", "shares", "outcomes", "hours", "kinds", "health")
# The watermark as a film, in the same folder.
FILM_PAGE: Final = "film.html"
FILM_PICTURE: Final = "film.svg"
_NO_FINDINGS: Final = "Nothing yet: it takes five weeks of windows to know what is usual."
_FILM_HEADING: Final = "The watermark, as a film"
_TALL: Final = {"windows": " tall", "shares": " tall", "outcomes": " tall", "hours": " tall"}
_KINDS: Final = 50
_SCRIPTS: Final = ("tables.js", "charts.js", "report.js")


@dataclass(frozen=True)
class Report:
    """What a report is made of.

    Args:
        question: that was asked.
        panels: rows by panel, of the whole store.
        settings: of the stream, and the versions, in words.
        made: when, with its zone.
        has_film: whether the film's page and picture are in its folder.
    """

    question: Question
    panels: Mapping[str, Sequence[Row]]
    settings: Mapping[str, object]
    made: str
    has_film: bool = False

    @property
    def asked(self) -> str:
        """The question."""
        return self.question.asks or self.question.title

    @property
    def answer(self) -> list[str]:
        """The answer in words: what it is, and what it is made of."""
        found = self.panels["answer"]
        return [found[0]["answer"], found[0]["made_of"]] if found else ["Nothing has been counted yet."]

    def heading(self, chart: str) -> str:
        """Return a chart's heading."""
        words = words_of(self.question)
        text = _HEADINGS[chart].format(**{name: words[name] for name in ("spread", "rows", "outcome")})
        return text[0].upper() + text[1:]

    def kinds(self) -> list[Row]:
        """Return the most frequent kinds."""
        return list(self.panels["kinds"][:_KINDS])


def head_of(title: str, style: str) -> str:
    """Return the start of a page that is one file, up to its body: it may load nothing from elsewhere."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="generator" content="sf-police">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:">
<title>{escape(title)}</title>
<style>{style}</style>
</head>"""


def html_of(report: Report, *, specs: Mapping[str, Any], vega: str) -> str:
    """Return the report as one HTML file: charts, scripts and data are in it."""
    words = words_of(report.question)
    data = {"specs": specs, "panels": {**report.panels, "kinds": report.kinds()}, "words": words}
    scripts = "\n".join(_without_modules(static(name)) for name in _SCRIPTS)
    charts = "\n".join(
        f'<section><h2>{escape(report.heading(name))}</h2><div class="chart{_TALL.get(name, "")}" id="c-{name}" '
        f'role="img" aria-label="{escape(report.heading(name))}"></div></section>'
        for name in CHARTS
    )
    found = "\n".join(f"<li>{escape(row['text'])}</li>" for row in report.panels["findings"])
    findings = f"<ul>{found}</ul>" if found else f"<p>{_NO_FINDINGS}</p>"
    style = f"""{static("page.css")}
main {{ grid-template-columns: minmax(0, 1fr); max-width: 1200px; }}
header, footer {{ max-width: 1200px; }}"""
    return f"""{head_of(report.asked, style)}
<body>
<header>
<h1>{escape(report.asked)}</h1>
<p class="answer">{escape(report.answer[0])}</p>
<p>{escape(" ".join(report.answer[1:]))}</p>
<p class="books">{escape(_books(report))}</p>
</header>
<main>
{charts}
<section><h2>What the data tells</h2>{findings}<p class="hint">{escape(words["rule"])}</p></section>
<section><h2>{escape(words["kinds"].capitalize())}</h2><div class="table" id="t-kinds"></div></section>
<section><h2>The stream's micro-batches</h2><div class="table" id="t-health"></div></section>
{_link_to_film(report)}<section><h2>Settings and versions</h2>{_settings_table(report)}</section>
</main>
<footer><p>Made by sf-police, {escape(report.made)}.</p></footer>
<script>{in_a_script(vega)}</script>
<script type="module">
const REPORT = {in_a_script(to_json(data, indent=None))};
{in_a_script(scripts)}
</script>
</body>
</html>
"""


def markdown_of(report: Report, pictures: Mapping[str, str]) -> str:
    """Return the report as Markdown; `pictures` are files by chart."""
    findings = [f"- {printable(row['text'])}" for row in report.panels["findings"]]
    charts = [f"## {report.heading(name)}\n\n![{report.heading(name)}]({file})\n" for name, file in pictures.items()]
    rows = report.question.label(report.question.rows)
    shares = [(row["outcome"], f"{row['rows']:,}", percent(row["share"])) for row in report.panels["shares"][:15]]
    kinds = [[_cell(value, name) for name, value in row.items()] for row in report.kinds()[:20]]
    names = [name.replace("_", " ") for name in (report.kinds() or [{}])[0]]
    lines = [
        "<!-- made by sf-police -->",
        f"# {printable(report.asked)}\n",
        f"**{printable(report.answer[0])}**\n",
        *(f"{printable(line)}\n" for line in report.answer[1:]),
        f"{_books(report)}\n",
        *charts,
        "## What the data tells\n",
        *(findings or [_NO_FINDINGS]),
        f"\n{words_of(report.question)['rule']}\n",
        _table([report.question.label(report.question.groups[-1].name), rows, "share"], shares),
        _table(names, kinds),
        *([f"## {_FILM_HEADING}\n\n[![{_of_film(report)}]({FILM_PICTURE})]({FILM_PAGE})\n"] if report.has_film else []),
        "## Settings and versions\n",
        _table(["setting", "value"], list(report.settings.items())),
        f"Made by sf-police, {report.made}.",
    ]
    return "\n".join(lines) + "\n"


def _of_film(report: Report) -> str:
    return f"which {report.question.rows} a stream drops as late, in three ways to send them"


def _link_to_film(report: Report) -> str:
    if not report.has_film:
        return ""
    text = _of_film(report)
    link = f'<a href="{FILM_PAGE}">{escape(text[0].upper() + text[1:])}</a>'
    return f"<section><h2>{_FILM_HEADING}</h2><p>{link}.</p></section>\n"


def _books(report: Report) -> str:
    [books] = report.panels["books"]
    line = str(books["line"])
    return line[0].upper() + line[1:] + ("" if not books["is_balanced"] else ". Every record is accounted for.")


def _cell(value: object, name: str) -> object:
    if name.endswith("share"):
        return "" if value is None else percent(float(str(value)))
    return f"{value:,}" if isinstance(value, int) else value


def _table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    def line(cells: Sequence[object]) -> str:
        shown = ("" if cell is None else printable(cell) for cell in cells)
        return "| " + " | ".join(escape(cell, quote=False).replace("|", "\\|") for cell in shown) + " |"

    return "\n".join([line(names), line(["---"] * len(names)), *map(line, rows)]) + "\n" if rows else ""


def _settings_table(report: Report) -> str:
    rows = "\n".join(
        f"<tr><th scope='row'>{escape(str(name))}</th><td>{escape(str(value))}</td></tr>"
        for name, value in report.settings.items()
    )
    return f"<table><tbody>{rows}</tbody></table>"


def static(name: str) -> str:
    """Return one of the page's files."""
    return (files(__package__) / "static" / name).read_text("utf-8")


def _without_modules(script: str) -> str:
    # In one file nothing is imported: it is all there.
    kept = (line for line in script.splitlines() if not line.startswith("import "))
    return "\n".join(line.removeprefix("export ") for line in kept)


def in_a_script(text: str) -> str:
    """Return text that may stand in a script element: what would end the element, within a string, does not."""
    return re.sub("<(/script|!--)", r"<\\\1", text, flags=re.IGNORECASE)
