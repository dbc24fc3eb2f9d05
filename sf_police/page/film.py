"""The film as a page: one HTML file with a slider over the micro-batches, which needs nothing else. Pure."""

from __future__ import annotations

import math
import re
from html import escape
from typing import Any, Final

from sf_police.film.frames import Film, Filmed
from sf_police.page.film_panel import LINEAR_H, STYLE, Panel, box, panel_of, reach, ticks
from sf_police.page.report import head_of, in_a_script, static
from sf_police.view.film import frame_words, late_words, made_of, sums_of, title_of
from sf_police.view.terminal import to_json

# Narrower than the picture, as three are side by side, and as a phone shows a page with margins.
_WIDTH: Final = 400
_PANEL_PX: Final = 304
_UNIT_PX: Final = 19
_STRIP_TOP: Final = 4
# A row of a partition; of very many, all rows together.
_ROW_PX: Final = 15
_ROWS_PX: Final = 240
_LABEL_PX: Final = 14
_TICK_PX: Final = 66


def page_of(film: Film) -> str:
    """Return the page: scripts, style and records are in it."""
    rows = escape(film.question.rows)
    high, low = reach(film.ways)
    ways = "\n".join(_section(film, way, high, low) for way in film.ways)
    data = {"linear_h": LINEAR_H, "ways": {way.way.name: _frames(way) for way in film.ways}}
    title = f"Which {film.question.rows} are behind the watermark?"
    style = f"{static('page.css')}{STYLE}{static('film.css')}"
    return f"""{head_of(title, style)}
<body>
<header>
<h1>{escape(title)}</h1>
<p>The same {rows}, sent in three ways. A stream's watermark is the latest event time that it has seen, less
{escape(film.watermark)}; whatever is at or before the watermark of its micro-batch is dropped as late. Each dot is one
of the {rows}, when its micro-batch was read: <span class="key kept">above the line it was counted</span>,
<span class="key late">on or below it dropped</span>.</p>
<p class="hint">{escape(" ".join(made_of(film)))}</p>
</header>
<nav aria-label="Micro-batches">
<button type="button" id="play">Play</button>
<label for="number">Micro-batch</label>
<input type="range" id="number" min="1" max="{film.length}" value="{film.length}"
 aria-valuetext="{film.length} of {film.length}">
<output for="number" id="shown">{film.length} of {film.length}</output>
</nav>
<main>
{ways}
</main>
<footer><p>The scale is linear within {LINEAR_H:g} hours of the watermark, and logarithmic beyond. Shown are some of the
{rows} of each micro-batch; the numbers are of all.</p></footer>
<script>
const FILM = {in_a_script(to_json(data, indent=None))};
{in_a_script(static("film.js"))}
</script>
</body>
</html>
"""


def _section(film: Film, way: Filmed, high: float, low: float) -> str:
    name, title = way.way.name, escape(title_of(way, film.question))
    panel = Panel(4, high, low, film.length, width=_PANEL_PX, unit_px=_UNIT_PX)
    height = math.ceil(panel.top + panel.height + 20)
    right = panel.left + panel.width
    kind = "late" if way.late else "kept"
    return f"""<section id="{name}">
<h2>{title}</h2>
<p class="count {kind}" data-count>{escape(_unbroken(late_words(way.late, way.read)))}</p>
<p class="hint">{escape(way.way.because)}</p>
<svg class="film" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{title}: all micro-batches">
{panel_of(way, panel)}
<g class="to-come" data-first="{panel.x(0):g}" data-last="{panel.x(film.length):g}" data-right="{right:g}">
<rect {box(panel)}/><path class="zero" d="M0 {panel.top:g}v{panel.height:.1f}"/></g>
<rect class="frame" {box(panel)} rx="4"/>
<text class="small" x="{panel.left:g}" y="{height - 5}">first micro-batch</text>
<text class="small" x="{right:g}" y="{height - 5}" text-anchor="end">last</text>
</svg>
<h3>This micro-batch, by partition</h3>
<p class="hint said" data-said>{escape(_unbroken(frame_words(way.frames[-1])))}</p>
{_strip(film, title, high, low)}
</section>"""


def _strip(film: Film, title: str, high: float, low: float) -> str:
    """Return the scale of a micro-batch, sideways, with a row for each partition; a script puts the records in it."""
    place = Panel(_STRIP_TOP, high, low, 1, width=_PANEL_PX - _LABEL_PX)
    unit = place.width / (high + low)
    zero = place.left + low * unit
    row = min(_ROW_PX, _ROWS_PX / film.partitions)
    bottom = place.top + row * film.partitions
    parts = [
        f'<rect class="panel frame" x="{place.left:g}" y="{place.top:g}" width="{place.width:g}" '
        f'height="{row * film.partitions:g}" rx="4"/>'
    ]
    every = math.ceil(_LABEL_PX / row)
    for number in range(0, film.partitions, every):
        y = place.top + row * (number + 0.5) + 4.5
        text = f"partition {number}" if number == 0 else str(number)
        parts.append(f'<text class="tick" x="{place.left - 6:g}" y="{y:g}" text-anchor="end">{text}</text>')
    for units, text in ticks(high, low, unit_px=unit, room_px=_TICK_PX):
        x, kind = zero + units * unit, "grid" if units else "zero"
        parts.append(f'<path class="{kind}" d="M{x:.1f} {place.top:g}V{bottom:g}"/>')
        parts.append(f'<text class="small" x="{x:.1f}" y="{bottom + 16:g}" text-anchor="middle">{text}</text>')
    geometry = f'data-zero="{zero:.2f}" data-unit="{unit:.3f}" data-top="{place.top:g}" data-row="{row:g}"'
    return (
        f'<svg class="film strip" viewBox="0 0 {_WIDTH} {math.ceil(bottom + 22)}" role="img" '
        f'aria-label="{title}: this micro-batch by partition">\n'
        + "\n".join(parts)
        + f'\n<path class="dots kept" data-dots="kept" {geometry}/><path class="dots late" data-dots="late"/>\n</svg>'
    )


def _frames(way: Filmed) -> list[dict[str, Any]]:
    """Return what the script shows of each micro-batch; a record as its partition and whole seconds ahead."""
    sums = sums_of(way)[1:]
    return [
        {
            "count": _unbroken(late_words(*sums[number])),
            "is_late": sums[number][0] > 0,
            "said": _unbroken(frame_words(frame)),
            # Rounded up, as whatever is ahead at all was counted.
            "records": [
                [record.partition, math.ceil(record.ahead_s)] for record in frame.shown if record.ahead_s is not None
            ],
        }
        for number, frame in enumerate(way.frames)
    ]


def _unbroken(text: str) -> str:
    # No line ends within a percentage or a time.
    return re.sub(r"(?<=\d) (?=%|\d)", "\u00a0", re.sub(r"(?<=\d)-(?=\d)", "\u2011", text))
