"""The film's panel, picture and page: where dots are, what is said, and that nothing is loaded from elsewhere."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from sf_police.film.frames import Film, Filmed, Frame, Shown
from sf_police.film.ways import WAYS
from sf_police.page.film import page_of
from sf_police.page.film_panel import Panel, dots, reach, ticks, units
from sf_police.page.film_picture import picture_of
from tests.support.films import a_film
from tests.support.stores import generated
from tests.unit.film.test_frames import at
from tests.unit.page.test_report import HOSTILE, Page

HOUR = 3600
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def film() -> Film:
    return a_film(generated(4_000), partitions=4, offsets=100)


def a_way(*shown: Shown) -> Filmed:
    return Filmed(WAYS[0], (Frame(0, len(shown), 0, at(14), shown),))


def places(path: str) -> list[tuple[float, float]]:
    """Where the dots of a path are: each is moved to from the one before."""
    found, x, y = [], 0.0, 0.0
    for dx, dy in re.findall(r"m(-?[\d.]+) (-?[\d.]+)h0", path):
        x, y = x + float(dx), y + float(dy)
        found.append((x, y))
    return found


def test_the_scale_keeps_sign_and_order_and_has_room_for_hours_and_months() -> None:
    at_hours = [units(hours * HOUR) for hours in (-2_000, -24, -1, 0, 1, 24, 2_000)]

    assert at_hours == sorted(at_hours)
    assert at_hours[3] == 0
    assert at_hours[0] == -at_hours[-1]
    assert units(1 * HOUR) > 0.4
    assert units(2_000 * HOUR) < 7


def test_a_dot_is_above_the_watermark_if_it_was_counted_and_else_on_or_below_it() -> None:
    way = a_way(Shown(0, HOUR), Shown(0, 0.0), Shown(0, -HOUR))
    panel = Panel(0, 2, 2, 1)

    drawn = {kind: [y for _, y in places(path)] for kind, path in dots(way, panel).items()}

    assert drawn == {
        "kept": [pytest.approx(panel.y(units(HOUR)), abs=0.06)],
        "late": [pytest.approx(panel.y(0), abs=0.06), pytest.approx(panel.y(-units(HOUR)), abs=0.06)],
    }
    assert drawn["kept"][0] < panel.y(0) == drawn["late"][0] < drawn["late"][1]


def test_before_the_first_watermark_dots_are_in_a_band_above_everything() -> None:
    panel = Panel(10, 2, 2, 1)

    [(_, y)] = places(dots(a_way(Shown(0, None)), panel)["kept"])

    assert 10 < y < panel.y(panel.high)


def test_a_dot_is_within_its_micro_batch_and_its_panel(film: Film) -> None:
    for way in film.ways:
        panel = Panel(0, *reach([way]), film.length)
        every = [place for path in dots(way, panel).values() for place in places(path)]
        assert every
        assert all(panel.left < x < panel.left + panel.width and 0 < y < panel.height for x, y in every)
    first = film.ways[0].frames[0]
    alone = dots(Filmed(WAYS[0], (first,)), Panel(0, 2, 2, 10))["kept"]
    assert max(x for x, _ in places(alone)) < Panel(0, 2, 2, 10).x(1)


def test_a_panel_reaches_as_far_as_its_records() -> None:
    high, low = reach([a_way(Shown(0, 24 * HOUR), Shown(0, -HOUR))])

    assert units(24 * HOUR) < high < units(30 * HOUR)
    assert units(HOUR) < low < units(2 * HOUR)


def test_labels_have_room_and_the_watermark_has_one_always() -> None:
    for high, low in ((7, 7), (3, 0.4), (0.4, 0.4)):
        kept = ticks(high, low, unit_px=20, room_px=15)
        found = sorted(place for place, _ in kept)
        assert (0, "watermark") in kept
        assert all(after - before >= 15 / 20 for before, after in pairwise(found))
    assert {"+1 day", "−1 month"} <= {text for _, text in ticks(7, 7, unit_px=20, room_px=15)}


def test_the_picture_tells_the_end_without_motion_and_moves_only_for_whoever_likes_that(film: Film) -> None:
    picture = picture_of(film)
    root = ET.fromstring(picture)

    [style] = (element.text or "" for element in root.iter(f"{SVG}style"))
    still, _, moving = style.partition("@media (prefers-reduced-motion: no-preference)")
    assert "animation" not in still
    assert "animation" in moving
    counts = [element for element in root.iter(f"{SVG}text") if "n" in (element.get("class") or "").split()]
    seen = [element.text for element in counts if element.get("opacity") != "0"]
    assert seen == [f"{way.late:,} of {way.read:,} dropped as late ({share})" for way, share in shares(film)]
    assert [element.get("opacity") for element in root.iter(f"{SVG}g") if element.get("class") == "curtain"] == [
        "0"
    ] * 3
    assert len(picture.encode()) < 300_000


def shares(film: Film) -> list[tuple[Filmed, str]]:
    found = [(way, 100 * way.late / way.read) for way in film.ways]
    assert [0 < percent < 100 for _, percent in found] == [True, True, False]
    return [(way, f"{percent:.1f} %" if percent else "0 %") for way, percent in found]


def test_the_page_has_each_micro_batch_and_some_of_its_records(film: Film) -> None:
    page = Page(page_of(film))

    [script] = page.scripts
    data = json.loads(script.split("const FILM = ")[1].split(";\n")[0].replace("<\\/", "</"))
    assert page.loaded == []
    for way in film.ways:
        frames = data["ways"][way.way.name]
        assert len(frames) == len(way.frames)
        assert frames[-1]["count"].replace("\u00a0", " ").startswith(f"{way.late:,} of {way.read:,} dropped as late")
        for frame, made in zip(way.frames, frames, strict=True):
            ahead = [record.ahead_s for record in frame.shown if record.ahead_s is not None]
            assert [s for _, s in made["records"]] == [math.ceil(s) for s in ahead]


def test_words_of_others_are_no_markup(film: Film) -> None:
    hostile = replace(film, source=HOSTILE)

    assert "<script>alert" not in page_of(hostile)
    assert "<script>alert" not in picture_of(hostile)
    ET.fromstring(picture_of(hostile))
