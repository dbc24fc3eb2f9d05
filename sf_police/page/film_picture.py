"""The film as one SVG: micro-batches from left to right, records above or below the watermark. Pure, from a `Film`.

Without animation it shows all micro-batches, so it tells the same where motion is not wanted or not supported. With it,
a curtain is drawn from left to right over each panel, three times, and the counts go along.
"""

from __future__ import annotations

import math
from html import escape
from typing import Final

from sf_police.film.frames import Film, Filmed
from sf_police.page.film_panel import STYLE, Panel, box, panel_of, reach
from sf_police.view.film import late_words, made_of, sums_of, title_of

_WIDTH: Final = 480
_HEADING: Final = 70
_GAP: Final = 20
_STEPS: Final = 24
_SECONDS: Final = 16
_ROUNDS: Final = 3
# Percent of a round; then the whole stays for a while.
_MOVING: Final = 72

_STYLE: Final = """
.film .h { font-size: 20px; font-weight: 650; fill: var(--ink); }
.film .t { font-size: 16px; font-weight: 650; fill: var(--ink); }
.film .n { font-size: 16px; font-weight: 650; font-variant-numeric: tabular-nums; fill: var(--kept); }
.film .n.late { fill: var(--late); }
.key { stroke-width: 9; }
"""


def picture_of(film: Film) -> str:
    """Return the film as an SVG of its own."""
    rows = escape(film.question.rows)
    top, parts = 100.0, list[str]()
    for number, way in enumerate(film.ways):
        high, low = reach([way])
        panel = Panel(top + _HEADING, high, low, film.length)
        parts += [
            f'<text class="t" x="12" y="{top + 18:.1f}">{escape(title_of(way, film.question))}</text>',
            *_counts(way, top + 39),
            f'<text x="12" y="{top + 57:.1f}">{escape(way.way.because)}</text>',
            panel_of(way, panel),
            _curtain(panel, number),
            f'<rect class="frame" {box(panel)} rx="4"/>',
        ]
        top = panel.top + panel.height + _GAP
    parts.append(f'<text x="{panel.left:g}" y="{top - 2:.1f}">first micro-batch</text>')
    parts.append(
        f'<text x="{panel.left + panel.width:g}" y="{top - 2:.1f}" text-anchor="end">last, number {film.length}</text>'
    )
    footer = made_of(film)
    parts += [f'<text x="12" y="{top + 24 + 18 * line:.1f}">{escape(text)}</text>' for line, text in enumerate(footer)]
    height = math.ceil(top + 24 + 18 * len(footer))
    said = "; ".join(f"{title_of(way, film.question)}: {late_words(way.late, way.read)}" for way in film.ways)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" class="film" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" \
height="{height}" role="img" aria-labelledby="title says">
<title id="title">Which {rows} are behind the watermark?</title>
<desc id="says">{escape(said)}</desc>
<style>{STYLE}{_STYLE}{_motion()}</style>
<rect width="{_WIDTH}" height="{height}" fill="var(--paper)" rx="10"/>
<text class="h" x="12" y="32">Which {rows} are behind the watermark?</text>
<text x="12" y="56">Each dot is one of the {rows}, when its micro-batch was read:</text>
<path class="dots kept key" d="M18 76h0"/>
<text x="29" y="80">above the line: counted</text>
<path class="dots late key" d="M208 76h0"/>
<text x="219" y="80">on or below it: dropped as late</text>
{chr(10).join(parts)}
</svg>
"""


def _counts(way: Filmed, y: float) -> list[str]:
    """Return what was dropped until each step, of which the last one shows without animation."""
    sums, found = sums_of(way), []
    for step in range(1, _STEPS + 1):
        late, read = sums[len(way.frames) * step // _STEPS]
        words = escape(late_words(late, read))
        kind, hidden = ("late" if late else "kept"), "" if step == _STEPS else ' opacity="0"'
        found.append(f'<text class="n {kind} s{step}" x="12" y="{y:.1f}"{hidden}>{words}</text>')
    return found


def _curtain(panel: Panel, number: int) -> str:
    return (
        f'<clipPath id="c{number}"><rect {box(panel)}/></clipPath>'
        f'<g clip-path="url(#c{number})"><g class="curtain" opacity="0"><rect {box(panel)} fill="var(--panel)"/>'
        f'<path class="zero" d="M{panel.left:g} {panel.top:.1f}v{panel.height:.1f}"/></g></g>'
    )


def _motion() -> str:
    width, of = Panel.width, f"{_SECONDS}s step-end {_ROUNDS}"
    lines = [
        f".curtain {{ animation: draw {_SECONDS}s linear {_ROUNDS}; }}",
        "@keyframes draw { 0% { opacity: 1; transform: translateX(0); } "
        f"{_MOVING}% {{ opacity: 1; transform: translateX({width}px); }} 100% {{ opacity: 0; "
        f"transform: translateX({width}px); }} }}",
    ]
    for step in range(1, _STEPS + 1):
        begin, end = ((each * _MOVING / _STEPS) for each in (step - 1, step))
        shown = f"{begin:g}% {{ opacity: 1; }}" + (f" {end:g}% {{ opacity: 0; }}" if step < _STEPS else "")
        lines += [
            f".s{step} {{ animation: s{step} {of}; }}",
            f"@keyframes s{step} {{ {'0% { opacity: 0; } ' if step > 1 else ''}{shown} }}",
        ]
    return "@media (prefers-reduced-motion: no-preference) {\n" + "\n".join(lines) + "\n}\n"
