"""A page that is open while the store gets commits: its figures change in place, and nothing else does."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from tests.support import recount
from tests.support.browser import PHONE, Viewer, expect
from tests.support.builders import a_value
from tests.support.dashboard import Dashboard
from tests.support.job import Job
from tests.support.stores import StoredCalls, generated
from tests.support.waiting import eventually

Look = Callable[..., Viewer]
Serve = Callable[..., Dashboard]

MARK_CANVASES = "document.querySelectorAll('canvas').forEach((canvas, place) => { canvas.place = place; })"
CANVASES = "[...document.querySelectorAll('canvas')].map((canvas) => canvas.place)"
SCROLLED = "[document.getElementById('t-windows').scrollTop, scrollY]"
FOCUSED = "document.activeElement.textContent"
PLACE = "document.activeElement.getBoundingClientRect().top"


@pytest.fixture
def stored(tmp_path: Path) -> StoredCalls:
    stored = StoredCalls(tmp_path, generated(12_000))
    stored.write(8_000)
    stored.write(1_000)
    return stored


def made_of(stored: StoredCalls) -> str:
    """What the page is to say of what is stored so far, up to the usual resolution."""
    counted = stored.counted
    types, windows = (len({key[part] for key in counted}) for part in (1, 0))
    return f"{sum(counted.values()):,} calls of {types:,} crime types in {windows:,} windows; "


@pytest.mark.parametrize("viewport", [{"width": 1300, "height": 800}, PHONE], ids=["desktop", "phone"])
def test_figures_change_in_place_and_nothing_else_does(
    stored: StoredCalls, serve: Serve, look: Look, say_aloud: Callable[[str], None], viewport: Any
) -> None:
    window = max(recount.window_answers(stored.counted))[0][:16].replace(" ", "T")
    viewer = look(serve(stored.url), viewport=viewport)
    page = viewer.open(f"?window={window}&kind=Passing+Call&q=a").page
    page.get_by_role("button", name="windows as a table").click()
    page.locator("#t-windows table").wait_for()
    page.locator("#t-kinds tbody button").nth(30).focus()
    page.evaluate("document.getElementById('t-windows').scrollTop = 300")
    page.evaluate(MARK_CANVASES)
    canvases, scrolled, focused = page.evaluate(CANVASES), page.evaluate(SCROLLED), page.evaluate(FOCUSED)
    at = page.evaluate(PLACE)
    page.evaluate("window.shifts = []")
    took = []

    for _ in range(5):
        batch = stored.write(300)
        committed = time.time() * 1000
        took.append(drawn_at(viewer, batch) - committed)
        viewer.settle()
        assert viewer.text("#made-of").startswith(made_of(stored))

    assert page.evaluate(CANVASES) == canvases == list(range(len(canvases)))
    assert page.evaluate(SCROLLED) == scrolled
    assert page.evaluate(FOCUSED) == focused
    assert abs(page.evaluate(PLACE) - at) < 100  # by as many rows as it has been overtaken by
    shifts = page.evaluate("window.shifts")
    assert sum(shift["value"] for shift in shifts) < 0.05, shifts
    assert viewer.text("#books").startswith(f"Books: read {len(stored.written):,} = ")
    assert viewer.text("#found").endswith(f" of {len({kind for _, kind, _ in stored.counted}):,} crime types")
    [shown] = [row for row in viewer.table("t-kinds") if row[0] == "Passing Call"]
    assert shown[1] == f"{sum(calls for (_, kind, _), calls in stored.counted.items() if kind == 'Passing Call'):,}"
    say_aloud(f"from commit to pixel: {median(took):.0f} ms (median of {len(took)}; {max(took):.0f} at most)")
    assert max(took) < 5_000, took


def drawn_at(viewer: Viewer, batch: int) -> float:
    """When the browser first drew a version of the store that has the batch, by this machine's clock."""
    wanted = viewer.dashboard.version_with(batch)

    def drawn() -> float:
        times = viewer.page.evaluate("window.drawn")
        later = [float(time) for version, time in times.items() if int(version) >= wanted]
        assert later, times
        return min(later)

    return eventually(drawn, AssertionError, seconds=10)


def test_what_is_typed_and_selected_stays_while_the_store_is_written_to(
    stored: StoredCalls, serve: Serve, look: Look
) -> None:
    viewer = look(serve(stored.url))
    page = viewer.open().page
    page.locator("#from").fill("2018-10-03T10:00")
    page.evaluate("getSelection().selectAllChildren(document.getElementById('question'))")
    selected = page.evaluate("String(getSelection())")

    viewer.settle(stored.write(300))

    assert page.locator("#from").input_value() == "2018-10-03T10:00"
    assert page.evaluate("String(getSelection())") == selected != ""
    page.locator("#from").press("Enter")
    viewer.settle()
    assert "from=2018-10-03T10%3A00" in page.url
    assert "&to=" not in page.url  # which nobody has chosen
    viewer.settle(stored.write(300))
    assert viewer.text("#made-of").startswith("In the chosen span: ")
    assert page.locator("#from").input_value() == "2018-10-03T10:00"


def test_a_span_that_was_dragged_stays_and_is_gone_once_everything_is_chosen(
    stored: StoredCalls, serve: Serve, look: Look
) -> None:
    viewer = look(serve(stored.url))
    page = viewer.open().page
    drag(viewer, 0.3, 0.6)
    expect(page).to_have_url(re.compile("from=.*to="))
    dragged = page.url
    chosen = viewer.settle().text("#made-of")

    assert viewer.settle(stored.write(500)).text("#made-of") == chosen
    assert page.url == dragged

    page.locator("#all").click()
    viewer.settle(stored.write(500))
    assert page.url == viewer.dashboard.address
    assert viewer.text("#made-of").startswith(made_of(stored))


def drag(viewer: Viewer, start: float, end: float) -> None:
    """Drag over the overview, from one share of its width to another."""
    viewer.page.locator("#c-overview").scroll_into_view_if_needed()
    viewer.page.mouse.move(*place(viewer, start))
    viewer.page.mouse.down()
    viewer.page.mouse.move(*place(viewer, (start + end) / 2))
    viewer.page.mouse.move(*place(viewer, end))
    viewer.page.mouse.up()


def place(viewer: Viewer, share: float) -> tuple[float, float]:
    """A point in the overview, at a share of its width."""
    box = viewer.page.locator("#c-overview canvas").bounding_box()
    assert box
    return box["x"] + share * box["width"], box["y"] + 40


def test_the_wheel_over_the_chosen_span_scrolls_the_page(stored: StoredCalls, serve: Serve, look: Look) -> None:
    viewer = look(serve(stored.url))
    page = viewer.open().page
    drag(viewer, 0.3, 0.6)
    expect(page).to_have_url(re.compile("from=.*to="))
    dragged, before = page.url, page.evaluate("scrollY")
    viewer.settle()

    page.mouse.move(*place(viewer, 0.45))
    page.mouse.wheel(0, 200)

    eventually(lambda: is_true(page.evaluate("scrollY") >= before + 150), AssertionError, seconds=5)
    assert viewer.settle().page.url == dragged


def is_true(held: bool) -> None:
    assert held


def test_a_real_stream_on_a_real_broker_is_followed_from_its_start_to_its_end(
    make_job: Callable[..., Job], serve: Serve, look: Look
) -> None:
    job = make_job(partitions=1)
    viewer = look(serve(f"sqlite:///{job.state / 'answers.db'}", STATE_DIR=str(job.state)))
    page = viewer.open().page
    assert viewer.text("#badge") == "no store yet"

    job.send(*(a_value(crime_id=str(n)) for n in range(40)), b"no JSON")
    stream = job.start("stream")
    try:
        expect(page.locator("#badge")).to_have_text("live", timeout=60_000)
        expect(page.locator("#made-of")).to_contain_text("40 calls of 1 crime type in 1 window", timeout=60_000)
        assert [row[:2] for row in viewer.settle().table("t-rejected")] == [["not exactly one JSON object", "no JSON"]]

        job.send(*(a_value(crime_id=f"more {n}", original_crime_type_name="Vandalism") for n in range(7)))
        expect(page.locator("#made-of")).to_contain_text("47 calls of 2 crime types in 1 window", timeout=20_000)
        expect(page.locator("#books")).to_have_text(
            "Books: read 48 = counted 47 + duplicates 0 + late 0 + rejected 1. Every record is accounted for."
        )
    finally:
        stream.send_signal(signal.SIGTERM)
        _, said = stream.communicate(timeout=60)
    assert stream.returncode == 0, said
    expect(page.locator("#badge")).to_have_text("stopped")
