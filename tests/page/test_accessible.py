"""What every visitor needs: no violation that axe-core finds, no sideways scroll, no motion, either theme."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import DESKTOP, PHONE, Axe, Viewer, expect
from tests.support.builders import store_batch
from tests.support.dashboard import Dashboard
from tests.support.stores import StoredCalls, generated, store_at
from tests.support.waiting import eventually

Look = Callable[..., Viewer]
Serve = Callable[..., Dashboard]

CHOSEN = "?window=2018-10-10T12:00&kind=Passing+Call&from=2018-10-09T00:00&to=2018-10-11T00:00"
TABLES = ("windows", "findings", "shares", "outcomes", "hours", "kind", "health")
FITS = "document.documentElement.scrollWidth <= innerWidth"
WIDER = """[...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth
  && !e.closest('.table, .skip, #vg-tooltip-element')).map((e) => e.id || e.className || e.nodeName)"""

TRANSITIONS = (
    "[...document.querySelectorAll('*')].filter((e) => parseFloat(getComputedStyle(e).transitionDuration)).length"
)
# Charts that are not there, or were there before.
OLD = "[...document.querySelectorAll('.chart')].filter((e) => !e.querySelector('canvas:not([data-old])')).length"


def ensure(held: bool) -> None:
    assert held


def open_tables(viewer: Viewer) -> None:
    for name in TABLES:
        viewer.page.get_by_role("button", name=f"{name} as a table", exact=True).click()
        viewer.page.locator(f"#t-{name} table").wait_for()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_violation(quarter_served: Dashboard, look: Look, theme: str, viewport: Any) -> None:
    viewer = look(quarter_served, color_scheme=theme, viewport=viewport).open(CHOSEN)
    open_tables(viewer)

    found = Axe().run(viewer.page).response["violations"]

    assert [(each["id"], [node["target"] for node in each["nodes"]][:5]) for each in found] == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_violation_where_there_is_no_store(tmp_path: Path, serve: Serve, look: Look, theme: str) -> None:
    viewer = look(serve(f"sqlite:///{tmp_path / 'answers.db'}"), color_scheme=theme).open()

    assert json.dumps(Axe().run(viewer.page).response["violations"]) == "[]"


@pytest.mark.parametrize("width", [320, 390, 768, 1100, 1600])
def test_nothing_is_wider_than_the_screen(quarter_served: Dashboard, look: Look, width: int) -> None:
    viewer = look(quarter_served, viewport={"width": width, "height": 800}).open(CHOSEN)
    open_tables(viewer)

    assert viewer.page.evaluate(WIDER) == []
    assert viewer.page.evaluate(FITS)
    sizes = [canvas.bounding_box() or {} for canvas in viewer.page.locator("canvas").all()]
    assert min(size["width"] for size in sizes) > 120


@pytest.mark.parametrize("state", ["none", "empty", "one batch", "broken"])
def test_nothing_is_wider_than_a_phone_in_any_state(tmp_path: Path, serve: Serve, look: Look, state: str) -> None:
    with_counts = [("2018-10-12 14:00:00", "2018-10-12 14:30:00", "Traffic Stop", "Cited", 123_456_789)]
    if state != "none":
        database = store_at(tmp_path)
        store_batch(database, with_counts if state != "empty" else (), **({"read": 1} if state == "broken" else {}))
        database.close()
    viewer = look(serve(f"sqlite:///{tmp_path / 'answers.db'}"), viewport=PHONE).open()

    assert viewer.page.evaluate(WIDER) == []
    assert viewer.page.evaluate(FITS)


def test_a_page_that_is_resized_fits_also_what_was_closed_meanwhile(quarter_served: Dashboard, look: Look) -> None:
    viewer = look(quarter_served).open(CHOSEN)
    viewer.page.keyboard.press("Escape")
    expect(viewer.page.locator("#p-kind")).to_be_hidden()
    viewer.page.set_viewport_size(PHONE)

    viewer.page.go_back()
    expect(viewer.page.locator("#p-kind")).to_be_visible()
    viewer.settle()

    assert viewer.page.evaluate(FITS)
    for canvas in viewer.page.locator("#p-kind canvas").all():
        assert 200 < (canvas.bounding_box() or {})["width"] < 390


def test_nothing_moves_for_whoever_wants_no_motion(tmp_path: Path, serve: Serve, look: Look) -> None:
    stored = StoredCalls(tmp_path, generated(300))
    stored.write(200)
    moving = "document.getAnimations().filter((each) => each.playState === 'running').length"
    with stored.database.held():
        dashboard = serve(stored.url)
        still = look(dashboard, reduced_motion="reduce").open()
        expect(still.page.locator("#badge")).to_have_text("live")
        assert still.page.evaluate(moving) == 0
        other = look(dashboard, reduced_motion="no-preference").open()
        assert other.page.evaluate(moving) == 1
        assert still.page.evaluate(TRANSITIONS) == 0


def test_a_change_of_theme_draws_again_without_a_reload_and_keeps_the_rows(
    quarter_served: Dashboard, look: Look
) -> None:
    viewer = look(quarter_served).open(CHOSEN)
    page = viewer.page
    page.evaluate(
        "window.isSame = true; document.querySelectorAll('canvas').forEach((c) => { c.dataset.old = 'yes'; })"
    )
    rows = (
        "[...document.querySelectorAll('.chart')].filter((e) => e.view).map((e) => [e.id, e.view.data('rows').length])"
    )
    pixels = "[...document.querySelectorAll('canvas')].map((canvas) => canvas.toDataURL().length)"
    colors = "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    before = [page.evaluate(each) for each in (rows, colors, pixels)]
    scrolled = page.evaluate("scrollTo(0, 700), scrollY")
    page.evaluate("window.shifts = []")

    page.emulate_media(color_scheme="dark")
    eventually(lambda: ensure(page.evaluate(OLD) == 0), AssertionError, seconds=10)

    after = [page.evaluate(each) for each in (rows, colors, pixels)]
    assert after[0] == before[0]
    assert after[1] != before[1]
    assert after[2] != before[2]
    assert page.evaluate("window.isSame")
    assert page.evaluate("scrollY") == scrolled
    assert sum(shift["value"] for shift in page.evaluate("window.shifts")) < 0.05
    brush = "document.getElementById('c-overview').view.signal('span').t.map(Number)"
    start, end = page.evaluate(brush)
    assert abs(end - start - 2 * 86_400_000) < 60_000  # the two days that are chosen
