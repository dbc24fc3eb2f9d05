"""Plots the results as PNG and SVG: `study` from `study.json`, `peers` from `peers.json`. Measures nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import altair as alt

from benchmarks.common import RESULTS

# The original study's results, on another machine: rows/s by partitions and maxOffsetsPerTrigger.
ORIGINAL = {1: {200: 1, 400: 50, 600: 74, 2000: 205}, 3: {200: 26, 400: 51, 600: 75, 2000: 196}}
COLORS = {"the original": "#9a9a9a", "Spark's defaults": "#d9822b", "ours": "#1f77b4"}


def study_chart(result: dict[str, Any]) -> alt.TopLevelMixin:
    """Plot rows/s over maxOffsetsPerTrigger, one panel per number of partitions."""
    rows = [
        {
            "series": "the original",
            "partitions": count,
            "offsets": offsets,
            "low": rate,
            "rate": rate,
            "high": rate,
        }
        for count, found in ORIGINAL.items()
        for offsets, rate in found.items()
    ]
    for cell in result["cells"]:
        if cell["series"] in COLORS:
            rate = cell["rows_per_s"]
            rows.append(
                {
                    "series": cell["series"],
                    "partitions": cell["partitions"],
                    "offsets": cell["max_offsets"],
                    "low": rate["min"],
                    "rate": rate["median"],
                    "high": rate["max"],
                }
            )
    ticks = [1, 10, 100, 1_000, 10_000]
    base = alt.Chart().encode(
        # By distance, not by rank: from 200 to 400 is as far as from 1,000 to 2,000.
        x=alt.X(
            "offsets:Q",
            title="maxOffsetsPerTrigger",
            scale=alt.Scale(type="log", domain=_domain(rows), nice=False),
            axis=alt.Axis(values=sorted({row["offsets"] for row in rows}), format=",d", labelOverlap=True, grid=False),
        ),
        color=alt.Color(
            "series:N",
            title=None,
            scale=alt.Scale(domain=list(COLORS), range=list(COLORS.values())),
            legend=alt.Legend(orient="top"),
        ),
    )
    axis = alt.Axis(values=ticks, format=",d")
    y = alt.Y("rate:Q", title="rows/s in steady state", scale=alt.Scale(type="log", domain=[0.8, 20_000]), axis=axis)
    lines = base.mark_line(point=alt.OverlayMarkDef(size=55, filled=True)).encode(y=y)
    spreads = base.mark_rule(strokeWidth=2).encode(y=alt.Y("low:Q"), y2="high:Q")
    text = alt.Text("rate:Q", format=",.0f")
    # Labels of the original and of Spark's defaults would overlap.
    places = {"the original": -12, "Spark's defaults": 14, "ours": -12}
    labels = [
        base.mark_text(fontSize=10, dy=dy)
        .encode(y=y, text=text)
        .transform_filter(alt.FieldEqualPredicate(field="series", equal=name))
        for name, dy in places.items()
    ]
    layers = alt.layer(spreads, lines, *labels, data=alt.Data(values=rows))
    header = alt.Header(labelExpr="datum.value == 1 ? '1 partition' : datum.value + ' partitions'", labelFontSize=12)
    panel = layers.properties(width=300, height=300)
    return panel.facet(column=alt.Column("partitions:O", title=None, header=header))


def _domain(rows: list[dict[str, Any]]) -> list[float]:
    # A little room on either side, for the labels of the first and the last point.
    offsets = [row["offsets"] for row in rows]
    return [min(offsets) * 0.8, max(offsets) * 1.25]


def peers_chart(result: dict[str, Any]) -> alt.TopLevelMixin:
    """Plot rows/s in steady state, by engine."""
    rows = [
        {"name": peer["name"], "rate": peer["rows_per_s"]["median"], "is_ours": peer["name"] == "sf-police"}
        for peer in result["peers"]
        if "no stream" not in peer["note"]
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y("name:N", title=None, sort="-x", axis=alt.Axis(labelLimit=220)),
    )
    # Room for the label of the longest bar.
    scale = alt.Scale(domain=[0, 1.15 * max((row["rate"] for row in rows), default=1)], nice=False)
    base = base.encode(x=alt.X("rate:Q", title="rows/s in steady state", scale=scale))
    bars = base.mark_bar().encode(color=alt.condition("datum.is_ours", alt.value("#1f77b4"), alt.value("#c4c4c4")))
    texts = base.mark_text(align="left", dx=4).encode(text=alt.Text("rate:Q", format=",.0f"))
    return (bars + texts).properties(width=520, height=34 * len(rows))


def main() -> None:
    """Plot all results that exist."""
    folder = Path(os.environ.get("BENCH_RESULTS", RESULTS))
    for name, draw in (("study", study_chart), ("study-quick", study_chart), ("peers", peers_chart)):
        source = folder / f"{name}.json"
        if source.exists():
            chart = draw(json.loads(source.read_text()))
            chart.save(folder / f"{name}.svg")
            chart.save(folder / f"{name}.png", ppi=144)
            print(f"drawn: {folder / name}.svg and .png")


if __name__ == "__main__":
    main()
