"""The film's page, opened from a disk: its slider shows each micro-batch, by mouse or keyboard, without a network."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sf_police.film.frames import Film
from sf_police.page.film import page_of
from sf_police.page.film_picture import picture_of
from sf_police.view.film import frame_words, late_words, sums_of
from tests.support.browser import DESKTOP, PHONE, Axe, Browser, Page, expect
from tests.support.films import a_film
from tests.support.stores import generated

Open = Callable[..., Page]
VIEWPORTS = pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
THEMES = pytest.mark.parametrize("theme", ["light", "dark"])
# The text of elements with its no-break spaces and hyphens as plain ones.
TEXTS = """(selector) => [...document.querySelectorAll(selector)].map(
  (element) => element.textContent.replaceAll("\\u00a0", " ").replaceAll("\\u2011", "-"))"""
DOTS = """[...document.querySelectorAll('section')].map((section) => ["kept", "late"].map(
  (kind) => (section.querySelector(`[data-dots=${kind}]`).getAttribute("d") || "").split("M").length - 1))"""


@pytest.fixture(scope="module")
def film() -> Film:
    return a_film(generated(4_000), partitions=4, offsets=100)


@pytest.fixture
def open_page(film: Film, browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens the page from a file; at the end of the test, it may have asked for nothing, and complained of nothing."""
    path = tmp_path / "film.html"
    path.write_text(page_of(film), "utf-8")
    asked: list[str] = []
    faults: list[str] = []
    contexts = []

    def open_page(**options: Any) -> Page:
        context = browser.new_context(**{"viewport": DESKTOP, **options})
        contexts.append(context)
        context.on("request", lambda request: asked.append(request.url))
        context.on("console", lambda message: faults.append(message.text))
        context.on("weberror", lambda error: faults.append(str(error.error)))
        page = context.new_page()
        page.goto(path.as_uri())
        expect(page.locator("body")).to_have_attribute("data-shown", str(film.length))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert set(asked) <= {path.as_uri()}
    assert faults == []


def assert_shows(page: Page, film: Film, number: int) -> None:
    expect(page.locator("body")).to_have_attribute("data-shown", str(number))
    places = [(way, min(number, len(way.frames))) for way in film.ways]
    assert page.evaluate(TEXTS, "[data-count]") == [late_words(*sums_of(way)[at]) for way, at in places]
    assert page.evaluate(TEXTS, "[data-said]") == [frame_words(way.frames[at - 1]) for way, at in places]
    records = [[record for record in way.frames[at - 1].shown if record.ahead_s is not None] for way, at in places]
    expected = [[sum(each.is_late is late for each in some) for late in (False, True)] for some in records]
    assert page.evaluate(DOTS) == expected


def test_the_page_begins_with_the_end_and_shows_each_micro_batch(film: Film, open_page: Open) -> None:
    page = open_page()

    assert_shows(page, film, film.length)
    slider = page.get_by_role("slider", name="Micro-batch")
    for number in (1, 2, 3, film.length // 2):
        slider.fill(str(number))
        assert_shows(page, film, number)


def test_the_slider_goes_by_keyboard_and_says_where_it_is(film: Film, open_page: Open) -> None:
    page = open_page()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Play")).to_be_focused()
    page.keyboard.press("Tab")
    slider = page.get_by_role("slider", name="Micro-batch")
    expect(slider).to_be_focused()

    page.keyboard.press("Home")
    assert_shows(page, film, 1)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert_shows(page, film, 3)
    expect(slider).to_have_attribute("aria-valuetext", f"3 of {film.length}")
    page.keyboard.press("End")
    assert_shows(page, film, film.length)


def test_play_begins_anew_and_pause_stays_where_it_is(film: Film, open_page: Open) -> None:
    page = open_page()

    page.get_by_role("button", name="Play").press("Enter")
    expect(page.locator("body")).to_have_attribute("data-shown", re.compile(r"^([2-9]|[12]\d)$"))
    page.get_by_role("button", name="Pause").press("Enter")

    expect(page.get_by_role("button", name="Play")).to_be_visible()
    assert_shows(page, film, int(page.locator("body").get_attribute("data-shown") or 0))


def test_nothing_moves_before_it_is_played(film: Film, open_page: Open) -> None:
    page = open_page()

    assert page.evaluate("document.getAnimations().length") == 0


@VIEWPORTS
@THEMES
def test_axe_finds_no_violation_and_nothing_is_wider_than_the_window(
    open_page: Open, theme: str, viewport: Any
) -> None:
    page = open_page(color_scheme=theme, viewport=viewport)
    page.get_by_role("slider").fill("5")

    found = Axe().run(page).response["violations"]

    assert [(each["id"], [node["target"] for node in each["nodes"]][:5]) for each in found] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_ways_are_side_by_side_on_a_desktop_and_one_below_another_on_a_phone(open_page: Open) -> None:
    def tops(page: Page) -> int:
        found = page.evaluate("[...document.querySelectorAll('section')].map((e) => e.getBoundingClientRect().top)")
        return len(set(found))

    assert tops(open_page(viewport=DESKTOP)) == 1
    assert tops(open_page(viewport=PHONE)) == 3


@pytest.mark.parametrize(("motion", "moving"), [("reduce", False), ("no-preference", True)])
def test_the_picture_moves_only_for_whoever_likes_motion(
    film: Film, browser: Browser, tmp_path: Path, motion: Any, moving: bool
) -> None:
    path = tmp_path / "film.svg"
    path.write_text(picture_of(film), "utf-8")

    with closing(browser.new_context(reduced_motion=motion)) as context:
        page = context.new_page()
        page.goto(path.as_uri())

        assert (page.evaluate("document.getAnimations().length") > 0) is moving
        # Without motion, all is seen: the last count of each way, and no curtain.
        if not moving:
            opacity = "(all) => all.filter((e) => getComputedStyle(e).opacity !== '0').length"
            assert page.eval_on_selector_all(".n", opacity) == 3
            assert page.eval_on_selector_all(".curtain", opacity) == 0


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_nothing_of_the_picture_is_cut_off(film: Film, browser: Browser, tmp_path: Path, motion: Any) -> None:
    path = tmp_path / "film.svg"
    path.write_text(picture_of(film), "utf-8")

    with closing(browser.new_context(reduced_motion=motion)) as context:
        page = context.new_page()
        page.goto(path.as_uri())
        width, height = page.evaluate(
            "[0, 1].map((n) => document.documentElement.viewBox.baseVal[n ? 'height' : 'width'])"
        )
        boxes = page.eval_on_selector_all(
            "text", "(all) => all.map((e) => e.getBBox()).map((b) => [b.x, b.y, b.x + b.width, b.y + b.height])"
        )

    assert boxes
    assert [box for box in boxes if box[0] < 0 or box[1] < 0 or box[2] > width or box[3] > height] == []
