"""A panel of the film as SVG: its scale, the watermark, and a way's records. Pure.

Times are told as seen from the watermark, on a scale that is linear within some hours and logarithmic beyond: on a
clock's scale months would leave no room for hours.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sf_police.film.frames import Filmed, Shown, evenly

LINEAR_H: Final = 2.0
_TICKS: Final = ((24 * 30, "1 month"), (24 * 7, "1 week"), (24, "1 day"), (6, "6 hours"), (1, "1 hour"))
# Room for what came before the first watermark, above everything.
_BAND_PX: Final = 18
_INSET_PX: Final = 3
_LABEL_PX: Final = 15
_LEAST_UNITS: Final = 0.35
_ROOM_UNITS: Final = 0.15
_DOTS_OF_A_WAY: Final = 2_600

# In both themes; the colours are those that the colour-blind tell apart, and the line does so, too.
STYLE: Final = """
.film {
  --paper: #fbfaf7; --panel: #fff; --ink: #1c2127; --quiet: #55606b; --line: #d9d6cf; --kept: #0072b2; --late: #b94100;
}
@media (prefers-color-scheme: dark) {
  .film {
    --paper: #14181d; --panel: #1b2128; --ink: #e8e6e1; --quiet: #a9b3bd; --line: #38414b; --kept: #4ea6dd;
    --late: #ff8a50;
  }
}
.film text { font: 14px system-ui, "Segoe UI", Roboto, sans-serif; fill: var(--quiet); }
.film .tick { font-size: 13px; }
.film .small { font-size: 12px; }
.panel { fill: var(--panel); }
.frame { fill: none; stroke: var(--line); }
.grid { stroke: var(--line); }
.zero { stroke: var(--ink); stroke-width: 2; }
.dots { fill: none; stroke-width: 2.4; stroke-linecap: round; stroke-opacity: .7; }
.dots.late { stroke: var(--late); }
.dots.kept { stroke: var(--kept); }
"""


@dataclass(frozen=True)
class Panel:
    """A panel's place in pixels, and the part of the scale that it shows, in units from the watermark.

    Args:
        top: of the panel.
        high: how far it reaches above the watermark.
        low: and below it.
        frames: how many micro-batches its width holds.
        left: of the panel.
        width: of the panel.
        unit_px: height of a unit.
    """

    top: float
    high: float
    low: float
    frames: int
    left: float = 84
    width: float = 384
    unit_px: float = 20

    @property
    def height(self) -> float:
        """Its height."""
        return _BAND_PX + (self.high + self.low) * self.unit_px

    def x(self, number: float) -> float:
        """Return where a micro-batch begins."""
        return self.left + _INSET_PX + (self.width - 2 * _INSET_PX) * number / max(1, self.frames)

    def y(self, units: float) -> float:
        """Return the height of a place on the scale."""
        return self.top + _BAND_PX + (self.high - units) * self.unit_px


def units(ahead_s: float) -> float:
    """Return the place on the scale of an event time that is so many seconds ahead of the watermark."""
    return math.copysign(math.log1p(abs(ahead_s) / 3600 / LINEAR_H), ahead_s)


def reach(ways: Iterable[Filmed]) -> tuple[float, float]:
    """Return how far the ways' records reach above and below the watermark, in units, with a little room."""
    places = [units(record.ahead_s) for way in ways for record in _records(way) if record.ahead_s is not None]
    high, low = ([_LEAST_UNITS, *(side * place + _ROOM_UNITS for place in places)] for side in (1, -1))
    return max(high), max(low)


def _records(way: Filmed) -> Iterable[Shown]:
    return (record for frame in way.frames for record in frame.shown)


def panel_of(way: Filmed, panel: Panel) -> str:
    """Return a way's records in a panel, with the scale and the watermark, as elements of SVG."""
    right = panel.left + panel.width
    parts = [f'<rect class="panel" {box(panel)} rx="4"/>']
    for place, text in ticks(panel.high, panel.low, unit_px=panel.unit_px, room_px=_LABEL_PX):
        kind = "zero" if not place else "grid"
        y = panel.y(place)
        parts.append(f'<path class="{kind}" d="M{panel.left:g} {y:.1f}H{right:g}"/>')
        parts.append(f'<text x="{panel.left - 6:g}" y="{y + 4.5:.1f}" text-anchor="end" class="tick">{text}</text>')
    if any(frame.watermark is None for frame in way.frames):
        parts.append(f'<text class="small" x="{panel.left + 12:g}" y="{panel.top + 13:.1f}">no watermark yet</text>')
    for kind, path in dots(way, panel).items():
        parts.append(f'<path class="dots {kind}" d="{path}"/>')
    return "\n".join(parts)


def box(panel: Panel) -> str:
    """Return a panel's place as attributes of a rectangle."""
    return f'x="{panel.left:g}" y="{panel.top:.1f}" width="{panel.width:g}" height="{panel.height:.1f}"'


def ticks(high: float, low: float, *, unit_px: float, room_px: float) -> list[tuple[float, str]]:
    """Return which places of the scale get a label, and these, so that each has its room; the longer times go first."""
    found = [(0.0, "watermark")]
    for hours, text in _TICKS:
        place = units(hours * 3600)
        sides = ((place, f"+{text}"), (-place, f"−{text}"))
        found += [(side, signed) for side, signed in sides if -low <= side <= high]
    kept: list[tuple[float, str]] = []
    for place, text in found:
        if all(abs(place - other) * unit_px >= room_px for other, _ in kept):
            kept.append((place, text))
    return kept


def dots(way: Filmed, panel: Panel) -> dict[str, str]:
    """Return the paths of counted and late records: a dot each, some of every micro-batch."""
    most = max(1, _DOTS_OF_A_WAY // max(1, len(way.frames)))
    paths: dict[str, list[str]] = {"kept": [], "late": []}
    at = dict.fromkeys(paths, (0, 0))
    for number, frame in enumerate(way.frames):
        some = evenly(frame.shown, most)
        for index, record in enumerate(some):
            kind = "late" if record.is_late else "kept"
            x = panel.x(number + (index + 0.5) / len(some))
            # Before the first watermark nothing is ahead of it or late: in a band of its own.
            y = panel.top + 3 + index % 5 * 2.5 if record.ahead_s is None else panel.y(units(record.ahead_s))
            # In tenths of a pixel, from one dot to the next: half the size of the file.
            here = (round(x * 10), round(y * 10))
            moved = " ".join(f"{(now - then) / 10:g}" for now, then in zip(here, at[kind], strict=True))
            paths[kind].append(f"m{moved}h0")
            at[kind] = here
    return {kind: "".join(path) for kind, path in paths.items() if path}
