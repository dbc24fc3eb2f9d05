"""The page by keyboard alone: everything is reached, in order, and seen to have the focus; keys open and close."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from tests.support.browser import Viewer, expect
from tests.support.dashboard import Dashboard
from tests.support.waiting import eventually

Look = Callable[..., Viewer]

# A name for each element that the keyboard can reach, in the order of the document; rows of a table are one stop.
NAME = """(element) => element.id || element.getAttribute("aria-label") || element.textContent.trim().slice(0, 60)"""
REACHABLE = f"""(() => {{
  const name = {NAME};
  const all = document.querySelectorAll('a[href], button, input, summary, [tabindex="0"]');
  return [...all].filter((e) => e.tabIndex === 0 && e.checkVisibility({{ visibilityProperty: true }})).map(name);
}})()"""
FOCUSED = f"""(() => {{
  const element = document.activeElement;
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  const bar = document.getElementById("nav");
  const isUnderBar = !bar.contains(element) && getComputedStyle(bar).position === "sticky"
    && box.bottom <= bar.getBoundingClientRect().bottom && box.bottom > 0 && bar.getBoundingClientRect().top <= 0;
  return {{ name: ({NAME})(element), ring: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
    isSeen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight && !isUnderBar }};
}})()"""

PLACES = """[...document.querySelectorAll('main > section:not([hidden])')].map(
  (section) => section.getBoundingClientRect()).map((box) => [box.top, box.left])"""


@pytest.fixture
def viewer(quarter_served: Dashboard, look: Look) -> Viewer:
    return look(quarter_served, viewport={"width": 1300, "height": 900})


def tab_through(viewer: Viewer, key: str, most: int = 300) -> list[dict[str, Any]]:
    """Every stop, to the last; after which the browser is at the beginning."""
    stops: list[dict[str, Any]] = []
    for _ in range(most):
        viewer.page.keyboard.press(key)
        stop = viewer.page.evaluate(FOCUSED)
        if viewer.page.evaluate("document.activeElement === document.body"):
            break
        stops.append(stop)
    return stops


def test_tab_reaches_everything_in_order_and_each_is_seen_to_have_the_focus(viewer: Viewer) -> None:
    page = viewer.open("?window=2018-10-10T12:00&kind=Passing+Call").page
    page.get_by_role("button", name="outcomes as a table").evaluate("(button) => button.click()")
    page.locator("#t-outcomes table").wait_for()
    reachable = page.evaluate(REACHABLE)

    stops = tab_through(viewer, "Tab")

    # A date's field has a stop for each of its parts.
    names = [stop["name"] for n, stop in enumerate(stops) if n == 0 or stop["name"] != stops[n - 1]["name"]]
    assert names == reachable
    assert [stop["name"] for stop in stops if stop["ring"] < 2] == []
    assert [stop["name"] for stop in stops if not stop["isSeen"]] == []
    assert len(stops) < 120

    back = tab_through(viewer, "Shift+Tab", most=len(stops))
    backwards = [stop["name"] for n, stop in enumerate(back) if n == 0 or stop["name"] != back[n - 1]["name"]]
    assert backwards[::-1] == names
    assert [stop["name"] for stop in back if not stop["isSeen"]] == []


def test_the_focus_goes_through_the_page_as_the_eye_does(viewer: Viewer, quarter_served: Dashboard, look: Look) -> None:
    """Sections that are next to each other in the document are so on the screen, at every width."""
    for width in (390, 1000, 1300, 1600):
        viewer.page.set_viewport_size({"width": width, "height": 900})
        viewer.open("?window=2018-10-10T12:00")
        places = [tuple(place) for place in viewer.page.evaluate(PLACES)]
        assert all(a < b for a, b in pairwise(places)), (width, places)


def test_the_skip_link_leads_past_the_bar(viewer: Viewer) -> None:
    page = viewer.open().page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the charts")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to the charts")).to_be_in_viewport()

    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    expect(page.get_by_role("button", name="windows as a table")).to_be_focused()


def test_slash_finds_and_escape_closes_one_after_the_other(viewer: Viewer) -> None:
    page = viewer.open("?window=2018-10-10T12:00&kind=Passing+Call").page
    find = page.locator("#find")

    page.keyboard.press("/")
    expect(find).to_be_focused()
    page.keyboard.type("traf/x")  # here a slash is a slash
    expect(find).to_have_value("traf/x")
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")
    assert {"traf" in row[0].lower() for row in viewer.table("t-kinds")} == {True}
    assert "q=traf" in page.url

    page.keyboard.press("Escape")
    expect(find).to_have_value("")
    expect(page.locator("#p-kind")).to_be_visible()
    assert "q=" not in page.url
    page.keyboard.press("Escape")
    expect(page.locator("#p-kind")).to_be_hidden()
    expect(page.locator("#p-window")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#p-window")).to_be_hidden()
    assert page.url == viewer.dashboard.address
    page.keyboard.press("Escape")
    viewer.settle()
    assert page.url == viewer.dashboard.address


def test_escape_clears_what_was_found_also_from_elsewhere(viewer: Viewer) -> None:
    page = viewer.open("?kind=Passing+Call&q=traf").page
    page.locator("#before").evaluate("() => document.activeElement.blur()")

    page.keyboard.press("Escape")

    expect(page.locator("#find")).to_have_value("")
    expect(page.locator("#p-kind")).to_be_visible()
    assert len(viewer.table("t-kinds")) == 200


def test_a_kind_is_opened_with_enter_and_the_focus_goes_there_and_back(viewer: Viewer) -> None:
    page = viewer.open().page
    page.keyboard.press("/")
    page.keyboard.type("tr")
    first, second = (row[0] for row in viewer.table("t-kinds")[:2])
    page.keyboard.press("Tab")  # the table, which can be scrolled
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED)["name"] == first
    page.keyboard.press("ArrowDown")
    assert page.evaluate(FOCUSED)["name"] == second

    page.keyboard.press("Enter")
    viewer.settle()

    expect(page.locator("#h-kind")).to_have_text(second)
    expect(page.locator("#h-kind")).to_be_focused()
    expect(page.locator("#h-kind")).to_be_in_viewport()
    assert {canvas.bounding_box()["width"] > 100 for canvas in page.locator("#p-kind canvas").all()} == {True}  # type: ignore[index]
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="kind as a table")).to_be_focused()
    page.locator("#close-kind").press("Enter")
    viewer.settle()
    assert page.evaluate(FOCUSED)["name"] == second
    page.keyboard.press("Home")
    assert page.evaluate(FOCUSED)["name"] == first
    page.keyboard.press("End")
    assert page.evaluate(FOCUSED)["name"] == viewer.table("t-kinds")[-1][0]


def test_a_finding_is_opened_with_enter_and_its_window_is_left_by_steps(viewer: Viewer) -> None:
    page = viewer.open().page
    finding = page.locator("#findings button").filter(has_text="happened twice")
    finding.focus()

    page.keyboard.press("Enter")
    viewer.settle()

    expect(page.locator("#h-window")).to_have_text("Sunday, 2018-11-04 01:00 to 01:30")
    expect(page.locator("#h-window")).to_be_focused()
    expect(page.locator("#h-window")).to_be_in_viewport()
    page.locator("#after").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#h-window")).to_have_text("Sunday, 2018-11-04 01:30 to 02:00")
    expect(page.locator("#after")).to_be_focused()
    page.locator("#before").focus()
    for _ in range(4):
        page.keyboard.press("Enter")
    expect(page.locator("#h-window")).to_have_text("Saturday, 2018-11-03 23:30 to 2018-11-04 00:00")
    page.keyboard.press("Escape")
    expect(page.locator("#p-window")).to_be_hidden()
    expect(finding).to_be_focused()


def test_a_window_is_opened_from_its_row_in_the_charts_table(viewer: Viewer) -> None:
    page = viewer.open("?from=2018-10-08T00:00&to=2018-10-09T00:00").page
    page.get_by_role("button", name="windows as a table").press("Enter")
    expect(page.get_by_role("button", name="windows as a table")).to_have_attribute("aria-expanded", "true")
    page.locator("#t-windows tbody button").first.focus()
    start = page.evaluate(FOCUSED)["name"]

    page.keyboard.press("Enter")

    expect(page.locator("#h-window")).to_have_text(re.compile(start))
    page.locator("#t-window tbody button").first.press("Enter")
    expect(page.locator("#h-kind")).to_be_focused()
    page.get_by_role("button", name="windows as a table").press("Enter")
    expect(page.locator("#t-windows table")).to_have_count(0)


def seen(viewer: Viewer) -> list[str]:
    ids = ("answer", "made-of", "h-window", "window-text", "t-window", "h-kind", "found", "t-kinds")
    fields = [viewer.page.locator(f"#{name}").input_value() for name in ("from", "to", "find")]
    return [*fields, *(viewer.text(f"#{name}") if viewer.page.locator(f"#{name}").is_visible() else "" for name in ids)]


def test_an_address_shows_the_same_to_whoever_opens_it(viewer: Viewer, quarter_served: Dashboard, look: Look) -> None:
    page = viewer.open().page
    page.locator("#from").fill("2018-10-08T00:00")
    page.locator("#to").fill("2018-10-15T00:00")
    page.get_by_role("button", name="Show").click()
    viewer.settle()
    page.locator("#find").fill("a")
    page.locator("#t-kinds tbody button").nth(2).click()
    viewer.settle()
    page.get_by_role("button", name="windows as a table").click()
    page.locator("#t-windows tbody button").nth(5).click()
    viewer.settle()

    query = page.url.removeprefix(quarter_served.address)
    other = look(quarter_served).open(query)

    assert set(re.findall(r"(\w+)=", query)) == {"from", "to", "q", "kind", "window"}
    assert seen(other) == seen(viewer)


def test_back_and_forward_go_through_what_was_chosen(viewer: Viewer) -> None:
    page = viewer.open().page
    views = [seen(viewer)]
    for choose in (
        lambda: page.get_by_role("button", name="last week").click(),
        lambda: page.locator("#t-kinds tbody button").nth(1).click(),
        lambda: page.locator("#findings button").filter(has_text="happened twice").click(),
        lambda: page.locator("#after").click(),
        lambda: page.get_by_role("button", name="everything").click(),
    ):
        choose()
        views.append(seen(viewer.settle()))

    for go, steps in ((page.go_back, views[-2::-1]), (page.go_forward, views[1:])):
        for wanted in steps:
            go()
            eventually(lambda wanted=wanted: same(seen(viewer.settle()), wanted), AssertionError, seconds=10)


def same(found: list[str], wanted: list[str]) -> None:
    assert found == wanted
