"""Every chart is valid, and draws the rows of its panel, also where there are none yet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import vl_convert

from sf_police.calls import QUESTION
from sf_police.page.over_time import Choice
from sf_police.page.rendered import rendered
from sf_police.page.specs import specs
from sf_police.store.database import Database
from tests.support.builders import store_batch
from tests.support.pages import panels_of

SPECS = specs("calls", "crime types")
# The panel whose rows each chart draws, and how many of which mark they are.
PANELS = {
    "overview": "overview", "windows": "windows", "volume": "windows", "outcomes": "outcomes", "shares": "shares",
    "hours": "hours", "kind": "kind",
}  # fmt: skip
START = datetime(2018, 10, 12, 14)


@pytest.fixture
def rows(store: Database) -> dict[str, list[dict[str, Any]]]:
    """The rows of each panel for three windows, two kinds and three outcomes with hostile names."""
    starts = [START, START + timedelta(minutes=30), START + timedelta(hours=20)]
    counts = [
        (start, start + timedelta(minutes=30), kind, outcome, number)
        for number, start in enumerate(starts, 2)
        for kind in ("</text>'\"", "datum.x") for outcome in ("Handled", "Not recorded", "<b>&amp;")
    ]  # fmt: skip
    store_batch(store, counts)
    panels = panels_of(store)
    return {panel: panels.rows(panel, Choice(kind="datum.x")) for panel in {*PANELS.values()}} | {
        "series": [{"batch": n, "value": n / 7} for n in range(5)]
    }


def marks(svg: str, kind: str) -> int:
    """How many marks of a kind are drawn."""
    return len(re.findall(rf'aria-roledescription="{kind}"', svg))


@pytest.mark.parametrize("name", SPECS)
def test_every_chart_reads_rows_and_has_no_colours_of_its_own_theme(name: str) -> None:
    spec = SPECS[name]

    assert spec["data"] == {"name": "rows"}
    assert spec["width"] == "container"
    assert spec["autosize"] == {"type": "fit-x", "contains": "padding", "resize": True}
    assert "config" not in spec
    # Of the version that the browser's part brings.
    [*_, brought] = vl_convert.get_vegalite_versions()
    assert spec["$schema"].startswith(f"https://vega.github.io/schema/vega-lite/v{brought}.")
    assert "http" not in str({key: value for key, value in spec.items() if key != "$schema"})


def times(part: Any) -> Iterator[Any]:
    """Every axis of time in a part of a spec."""
    if isinstance(part, dict):
        if part.get("type") == "temporal":
            yield part
        part = list(part.values())
    for each in part if isinstance(part, list) else []:
        yield from times(each)


@pytest.mark.parametrize("name", sorted({*SPECS} - {"shares", "hours", "series"}))
def test_times_have_no_zone_of_the_browsers(name: str) -> None:
    found = list(times(SPECS[name]))

    assert found
    assert {axis["scale"]["type"] for axis in found} == {"utc"}


@pytest.mark.parametrize("name", SPECS)
def test_every_chart_draws_the_rows_of_its_panel(name: str, rows: dict[str, list[dict[str, Any]]]) -> None:
    found = rows[PANELS.get(name, name)]

    svg, png = rendered(SPECS[name], found)

    expected = {
        "overview": ("area mark", 1),
        "windows": ("point", 3),
        "volume": ("rect mark", 3),
        "outcomes": ("area mark", 3),
        "shares": ("bar", 3),
        "hours": ("rect mark", 2),
        "kind": ("rect mark", 3),
        "series": ("point", 5),
    }
    assert marks(svg, expected[name][0]) == expected[name][1]
    assert png.startswith(b"\x89PNG")
    assert "<b>" not in svg


@pytest.mark.parametrize("name", SPECS)
def test_every_chart_stands_without_rows(name: str) -> None:
    svg, _ = rendered(SPECS[name], [])

    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert svg.startswith("<svg")
    assert texts
    assert [text for text in texts if "NaN" in text or "undefined" in text] == []


def test_charts_are_titled_in_the_words_of_the_question(rows: dict[str, list[dict[str, Any]]]) -> None:
    of_taxis = specs("rides", "zones")

    texts = {name: rendered(of_taxis[name], rows[panel])[0] for name, panel in PANELS.items()}

    assert ">zones per window</text>" in texts["windows"]
    assert ">rides per window</text>" in texts["volume"]
    assert ">share of rides</text>" in texts["outcomes"]
    assert "calls" not in "".join(texts.values())
    assert QUESTION.rows == "calls"


def test_times_are_shown_as_they_are_written(rows: dict[str, list[dict[str, Any]]]) -> None:
    svg, _ = rendered(SPECS["volume"], rows["windows"])

    labels = re.findall(r'aria-label="([^"]*)"', svg)
    assert any("2018-10-12 14:00 to 14:30" in label for label in labels), labels
    assert any("2018-10-13 10:00 to 10:30" in label for label in labels)
