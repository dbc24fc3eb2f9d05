"""What the page says in each state of the store, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from examples.taxi_rides import QUESTION as TAXI_RIDES
from sf_police.calls import QUESTION
from sf_police.store.database import Database, open_database
from sf_police.store.writer import StoreWriter
from tests.support.browser import Viewer, expect
from tests.support.builders import store_batch
from tests.support.dashboard import Dashboard
from tests.support.stores import SETTINGS

Look = Callable[..., Viewer]
Serve = Callable[..., Dashboard]

WINDOW = ("2018-10-12 14:00:00", "2018-10-12 14:30:00")
COUNTS = [(*WINDOW, "Traffic Stop", "Cited", 2), (*WINDOW, "Passing Call", "Handled", 1)]
FIGURES = "3 calls of 2 crime types in 1 window; Cited: 2 calls."


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store' / 'answers.db'}"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with closing(open_database(url, QUESTION)) as database:
        yield database


def age(database: Database, seconds: int) -> None:
    """Make the newest commit so old."""
    at = datetime.now(UTC).replace(tzinfo=None) - timedelta(seconds=seconds)
    with database.transaction() as connection:
        connection.execute(database.tables.batches.update().values(committed_at=at))


def said(viewer: Viewer) -> tuple[str, str, str]:
    """The state as it is coloured, its name, and what to do."""
    return (
        viewer.page.locator("#badge").get_attribute("data-state") or "", viewer.text("#badge"), viewer.text("#note")
    )  # fmt: skip


def test_no_store_yet_and_then_there_is_one(url: str, serve: Serve, look: Look) -> None:
    viewer = look(serve(url)).open()

    assert said(viewer) == ("none", "no store yet", "there is no store yet: run make run-stream, or make live")
    assert viewer.text("#question").startswith("How many different types of crime")
    expect(viewer.page.locator("#p-windows")).to_be_hidden()
    assert not Path(url.removeprefix("sqlite:///")).exists()

    with closing(open_database(url, QUESTION)) as database:
        store_batch(database, COUNTS)
    expect(viewer.page.locator("#made-of")).to_have_text(FIGURES)
    expect(viewer.page.locator("#c-windows canvas")).to_be_visible()


def test_an_empty_store(database: Database, url: str, serve: Serve, look: Look) -> None:
    StoreWriter(database).adopt_stream("query", {})

    viewer = look(serve(url)).open()

    assert said(viewer) == (
        "empty", "nothing stored yet", "a store, but no micro-batch in it: run make run-stream"
    )  # fmt: skip
    expect(viewer.page.locator("#p-windows")).to_be_hidden()
    with database.held():
        expect(viewer.page.locator("#badge")).to_have_text("live")
        store_batch(database, COUNTS)
        expect(viewer.page.locator("#made-of")).to_have_text(FIGURES)


def test_live_then_idle_then_stopped(database: Database, url: str, serve: Serve, look: Look) -> None:
    store_batch(database, COUNTS)
    with database.held():
        viewer = look(serve(url)).open()
        assert said(viewer) == (
            "live", "live", "a stream runs into this store, and the page follows each commit"
        )  # fmt: skip
        assert viewer.page.title() == "Crime types per window: live"

        age(database, 60)
        expect(viewer.page.locator("#badge")).to_have_text("idle")
        assert said(viewer) == ("idle", "idle", "a stream runs and waits for new records")

    expect(viewer.page.locator("#badge")).to_have_text("stopped")
    assert said(viewer) == ("stopped", "stopped", "no stream runs into this store: make run-stream resumes it")
    assert viewer.text("#made-of") == FIGURES


def test_books_that_do_not_balance_are_said_whatever_else_is(
    database: Database, url: str, serve: Serve, look: Look
) -> None:
    store_batch(database, COUNTS, read=5)
    viewer = look(serve(url)).open()
    broken = (
        "broken", "books do not balance", "do not trust these figures: run make doctor, which says what is wrong"
    )  # fmt: skip
    line = "Books: read 5 = counted 3 + duplicates 0 + late 0 + rejected 0; THEY DO NOT BALANCE"

    assert said(viewer) == broken
    assert viewer.text("#books").startswith(line)
    assert "accounted for" not in viewer.text("#books")
    expect(viewer.page.locator("#books")).to_have_class("books broken")

    with database.held():  # another message, and no other version of the figures
        expect(viewer.page.locator("body")).to_have_attribute("data-all", str(viewer.dashboard.state()["version"]))
        expect(viewer.page.locator("#badge")).to_have_text("books do not balance")
        assert said(viewer.settle()) == broken


def test_a_store_that_is_deleted_takes_its_figures_along_and_is_not_made_again(
    database: Database, url: str, serve: Serve, look: Look
) -> None:
    store_batch(database, COUNTS)
    viewer = look(serve(url)).open()
    assert viewer.text("#made-of") == FIGURES

    database.drop()

    expect(viewer.page.locator("#badge")).to_have_text("no store yet")
    expect(viewer.page.locator("#p-windows")).to_be_hidden()
    assert [viewer.text(f"#{name}") for name in ("answer", "made-of", "books")] == [""] * 3
    assert list(Path(url.removeprefix("sqlite:///")).parent.glob("*")) == []

    with closing(open_database(url, QUESTION)) as another:
        store_batch(another, [(*WINDOW, "Vandalism", "Report", 8)])
    expect(viewer.page.locator("#made-of")).to_have_text("8 calls of 1 crime type in 1 window; Report: 8 calls.")


def test_a_store_that_is_replaced_is_read_anew(database: Database, url: str, serve: Serve, look: Look) -> None:
    store_batch(database, COUNTS)
    store_batch(database, COUNTS)
    viewer = look(serve(url)).open()

    database.drop()
    with closing(open_database(url, QUESTION)) as another:
        store_batch(another, [(*WINDOW, "Vandalism", "Report", 8)])

    expect(viewer.page.locator("#made-of")).to_have_text("8 calls of 1 crime type in 1 window; Report: 8 calls.")
    assert [row[0] for row in viewer.settle().table("t-kinds")] == ["Vandalism"]


def test_another_questions_store_is_not_misread(url: str, serve: Serve, look: Look) -> None:
    with closing(open_database(url, TAXI_RIDES)) as database:
        StoreWriter(database).adopt_stream("query", {})

    viewer = look(serve(url)).open()

    state, name, note = said(viewer)
    assert (state, name) == ("unusable", "store out of reach")
    assert "taxi_rides" in note
    assert "set STATE_DIR to another folder" in note
    expect(viewer.page.locator("#p-windows")).to_be_hidden()


def test_a_store_whose_every_record_was_rejected_says_why(
    database: Database, url: str, serve: Serve, look: Look
) -> None:
    rows = [{"topic": "t", "partition": 0, "offset": n, "reason": "not UTF-8", "value": b"\xff\x00"} for n in range(3)]
    StoreWriter(database).adopt_stream("query", SETTINGS)
    store_batch(database, [], rows)

    viewer = look(serve(url)).open()

    assert said(viewer)[1] == "stopped"
    assert viewer.text("#answer") == "Nothing has been counted yet."
    assert viewer.text("#books").startswith("Books: read 3 = counted 0 + duplicates 0 + late 0 + rejected 3.")
    assert [row[0] for row in viewer.table("t-rejected")] == ["not UTF-8"] * 3
    assert viewer.text("#health-text").startswith("latest batch 0: 3 records in 0.50 s")

    store_batch(database, COUNTS)
    expect(viewer.page.locator("#made-of")).to_have_text(FIGURES)


def test_another_questions_page_has_its_words_commands_and_exact_sums(url: str, serve: Serve, look: Look) -> None:
    rejected = {"topic": "rides", "partition": 0, "offset": 0, "value": b"{", "reason": "not JSON"}
    with closing(open_database(url, TAXI_RIDES)) as database:
        store_batch(
            database, [(*WINDOW, "Airport", "card", 2, 123_456_750), (*WINDOW, "Docks", "cash", 1, 905)], [rejected]
        )

    viewer = look(serve(url, program="examples.taxi_rides")).open()

    assert viewer.text("#h-kinds") == "Zones"
    assert [[cell for cell in row if "." in cell] for row in viewer.table("t-kinds")] == [["1,234,567.50"], ["9.05"]]
    assert viewer.page.locator("#t-kinds tbody tr").first.locator("td.n").last.inner_text()
    assert viewer.text("#rejected-text").endswith("-m examples.taxi_rides rejected.")
    viewer.page.locator("#t-kinds tbody button").first.click()
    expect(viewer.page.locator("#h-kind-shares")).to_have_text("payment")
