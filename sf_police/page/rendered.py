"""Renders charts as PNG and SVG, by vl-convert: the specs that the page draws, with the rows of their panels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sf_police.page.colors import PALETTE
from sf_police.view.terminal import to_json

_WIDTH: Final = 960
_SCALE: Final = 1.5
_CONFIG: Final = {
    "background": "white",
    "font": "sans-serif",
    "mark": {"color": PALETTE[0]},
    "view": {"stroke": None},
    "axis": {"gridColor": "#dddddd", "domainColor": "#dddddd", "tickColor": "#dddddd", "titleFontWeight": 500},
}


def rendered(spec: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> tuple[str, bytes]:
    """Return a chart as SVG and as PNG."""
    import vl_convert

    whole = {**spec, "width": _WIDTH, "data": {"name": "rows", "values": json.loads(to_json(rows))}}
    svg = vl_convert.vegalite_to_svg(whole, config=_CONFIG)
    return svg, vl_convert.vegalite_to_png(whole, config=_CONFIG, scale=_SCALE)
