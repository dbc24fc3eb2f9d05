"""Several people who look on, and one who was away: each has the newest figures, and asks for nothing by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.browser import LOST, PHONE, Viewer, expect
from tests.support.dashboard import Dashboard
from tests.support.stores import StoredCalls, generated

Look = Callable[..., Viewer]
Serve = Callable[..., Dashboard]

# A browser without windows shows every page: what it says of a page that is not seen is put in its place.
HIDE = """(isHidden) => {
  Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture
def stored(tmp_path: Path) -> StoredCalls:
    stored = StoredCalls(tmp_path, generated(6_000))
    stored.write(3_000)
    return stored


def shows_all(viewer: Viewer, stored: StoredCalls) -> None:
    """By itself, sooner or later."""
    calls = sum(stored.counted.values())
    expect(viewer.page.locator("#made-of")).to_have_text(re.compile(rf"^{calls:,} calls of "), timeout=15_000)
    expect(viewer.page.locator("#books")).to_have_text(re.compile(rf"^Books: read {len(stored.written):,} = "))


def test_two_viewers_see_the_same(stored: StoredCalls, serve: Serve, look: Look) -> None:
    dashboard = serve(stored.url)
    viewers = [look(dashboard, color_scheme=theme).open() for theme in ("light", "dark")]

    for _ in range(3):
        batch = stored.write(200)
        texts = [viewer.settle(batch).text("header") + viewer.text("main") for viewer in viewers]
        assert texts[0] == texts[1]
        shows_all(viewers[0], stored)
    query = "?window=2018-10-02T12:00&kind=Traffic+Stop&q=traf"
    assert [viewer.open(query).text("main") for viewer in viewers] == [viewers[0].text("main")] * 2


def test_a_page_that_was_frozen_catches_up(stored: StoredCalls, serve: Serve, look: Look) -> None:
    viewer = look(serve(stored.url)).open()
    session = viewer.context.new_cdp_session(viewer.page)
    session.send("Page.setWebLifecycleState", {"state": "frozen"})
    for _ in range(3):
        stored.write(200)

    session.send("Page.setWebLifecycleState", {"state": "active"})

    shows_all(viewer, stored)


def test_a_page_that_nobody_sees_holds_no_connection_and_catches_up(
    stored: StoredCalls, serve: Serve, look: Look
) -> None:
    viewer = look(serve(stored.url)).open()
    other = look(viewer.dashboard).open()
    viewer.page.evaluate(HIDE, True)
    asked = len(viewer.requests)

    stored.write(200)
    shows_all(other, stored)  # as much as it takes to be told
    assert len(viewer.requests) == asked

    viewer.page.evaluate(HIDE, False)
    shows_all(viewer, stored)


def test_more_pages_than_a_browser_has_connections_are_all_there(stored: StoredCalls, serve: Serve, look: Look) -> None:
    """Six are what a browser has for a server; each page that is seen holds one."""
    viewer = look(serve(stored.url)).open()
    pages = []
    for _ in range(6):
        viewer.page.evaluate(HIDE, True)
        pages.append(viewer.page)
        viewer.page = viewer.context.new_page()
        viewer.open()

    viewer.settle(stored.write(200))
    viewer.page = pages[0]
    viewer.page.evaluate(HIDE, False)
    shows_all(viewer, stored)


@pytest.mark.parametrize("commits", [1, 0], ids=["with another commit", "with the same store"])
def test_a_dashboard_that_is_started_again_is_found_again(
    stored: StoredCalls, serve: Serve, look: Look, commits: int
) -> None:
    """The new one counts its versions anew: its first may have the number of the one that is shown."""
    dashboard = serve(stored.url)
    viewer = look(dashboard, allowed=LOST).open()
    dashboard.stop()
    expect(viewer.page.locator("#badge")).to_have_text("connection lost")
    assert viewer.text("#note") == ("the dashboard has ended, or cannot be reached; the page comes back by itself")
    for _ in range(commits):
        stored.write(200)

    dashboard.start()

    expect(viewer.page.locator("#badge")).to_have_text("stopped", timeout=15_000)
    shows_all(viewer, stored)


def test_a_choice_made_while_the_connection_is_lost_is_shown_once_it_is_back(
    stored: StoredCalls, serve: Serve, look: Look
) -> None:
    dashboard = serve(stored.url)
    viewer = look(dashboard, viewport=PHONE, allowed=LOST).open()
    dashboard.stop()
    viewer.page.locator("#t-kinds tbody button").first.click()
    expect(viewer.page.locator("#badge")).to_have_text("connection lost")

    dashboard.start()

    expect(viewer.page.locator("#p-kind")).to_be_visible(timeout=15_000)
    expect(viewer.page.locator("#badge")).to_have_text("stopped")
    viewer.settle()
    assert viewer.text("#h-kind") == viewer.table("t-kinds")[0][0]
