"""What is seen of a store: whether there is one, each commit once, and whether a stream runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from examples.taxi_rides import QUESTION as TAXI
from sf_police.calls import QUESTION
from sf_police.page.over_time import Choice
from sf_police.page.watch import Snapshot, Watcher
from sf_police.store.database import Database, delete_database, open_database
from sf_police.store.writer import StoreWriter
from tests.support.builders import store_batch
from tests.support.pages import statements
from tests.support.waiting import eventually

START = datetime(2018, 10, 12, 14)


def counts(*hours: float, calls: int = 1) -> list[tuple[Any, ...]]:
    starts = [START + timedelta(hours=each) for each in hours]
    return [(start, start + timedelta(minutes=30), "Fire", "Handled", calls) for start in starts]


def seen(watcher: Watcher, holds: Callable[[Snapshot], object]) -> Snapshot:
    """Wait for a snapshot of which that holds."""

    def check() -> Snapshot:
        snapshot = watcher.snapshot
        assert holds(snapshot), snapshot
        return snapshot

    return eventually(check, AssertionError)


def in_state(watcher: Watcher, state: str) -> Snapshot:
    return seen(watcher, lambda snapshot: snapshot.state == state)


@pytest.fixture
def other(database: Database) -> Iterator[Database]:
    """The same store as a stream has it open."""
    url = database._engine.url.render_as_string(hide_password=False)
    with closing(open_database(url, QUESTION)) as other:
        yield other


def test_before_it_has_looked_it_is_opening(store: Database) -> None:
    assert Watcher(store).snapshot == Snapshot(0, "opening")


def test_a_store_is_seen_from_none_to_stopped(database: Database, other: Database) -> None:
    database.drop()
    with Watcher(database) as watcher:
        none = in_state(watcher, "none")
        assert none.note.startswith("there is no store yet: run `make run-stream`")
        assert (none.panels, none.batch, none.first) == (None, None, None)

        StoreWriter(other).adopt_stream("query", {"window": "30 minutes", "topic": "calls"})
        assert in_state(watcher, "empty").panels is None

        with other.held():
            in_state(watcher, "live")
            store_batch(other, counts(0, 1))
            live = seen(watcher, lambda snapshot: snapshot.batch)
            assert live.state == "live"
            assert (live.first, live.last, live.length_s) == (START, START + timedelta(hours=1), 1_800)
            assert (live.is_whole, live.settings) == (True, {"window": "30 minutes", "topic": "calls"})

        stopped = in_state(watcher, "stopped")
        assert stopped.version > live.version > none.version
        assert stopped.panels is live.panels is not None


def test_a_stream_that_commits_nothing_is_idle(database: Database) -> None:
    store_batch(database, counts(0))
    long_ago = datetime.now(UTC).replace(tzinfo=None) - timedelta(seconds=11)
    with database.transaction() as connection:
        connection.execute(database.tables.batches.update().values(committed_at=long_ago))

    with database.held(), Watcher(database) as watcher:
        in_state(watcher, "idle")
        store_batch(database, counts(1))
        in_state(watcher, "live")


def test_a_first_batch_is_seen_in_a_store_that_was_empty(store: Database) -> None:
    StoreWriter(store).adopt_stream("query", {})
    with Watcher(store) as watcher:
        in_state(watcher, "empty")

        store_batch(store, counts(0, 3))

        snapshot = seen(watcher, lambda snapshot: snapshot.batch)
        assert (snapshot.first, snapshot.last) == (START, START + timedelta(hours=3))
        assert snapshot.panels
        assert [row["rows"] for row in snapshot.panels.rows("windows", Choice())] == [1, 1]


def test_a_stream_whose_every_record_is_rejected_has_books_and_reasons(store: Database) -> None:
    StoreWriter(store).adopt_stream("query", {"window": "1 hour", "watermark": "10 minutes"})
    rejected = [{"topic": "calls", "partition": 0, "offset": 0, "reason": "not UTF-8", "value": b"\xff"}]
    store_batch(store, rejected=rejected)

    with Watcher(store) as watcher:
        snapshot = seen(watcher, lambda snapshot: snapshot.panels)
        assert snapshot.panels
        assert snapshot.panels.rows("books", Choice())[0]["rejected"] == 1
        assert [row["reason"] for row in snapshot.panels.rows("rejected", Choice())] == ["not UTF-8"]
        assert snapshot.panels.rows("windows", Choice()) == []

        store_batch(store, counts(0))

        snapshot = seen(watcher, lambda snapshot: snapshot.first)
        assert snapshot.panels
        assert [row["rows"] for row in snapshot.panels.rows("windows", Choice())] == [1]


def test_a_commit_makes_one_snapshot_and_is_told_once(database: Database, other: Database) -> None:
    store_batch(other, counts(0))
    told: list[int] = []
    with Watcher(database) as watcher:
        watcher.on_change = lambda: told.append(watcher.snapshot.version)
        before = seen(watcher, lambda snapshot: snapshot.is_whole and snapshot.panels).version
        # The first one may have been told before it was listened to.
        told.clear()

        for number in (1, 2, 3):
            store_batch(other, counts(number))
            snapshot = seen(watcher, lambda snapshot, number=number: snapshot.batch.batch_id == number)
            assert snapshot.version == before + number
            assert snapshot.last == START + timedelta(hours=number)
        with statements(database) as asked:
            eventually(lambda: _ensure(len(asked) >= 5), AssertionError)  # it has looked again

        assert watcher.snapshot.version == before + 3
        assert told == [before + 1, before + 2, before + 3]


def _ensure(holds: bool) -> None:
    assert holds


def test_a_look_asks_for_the_newest_batch_alone_and_never_for_the_books(database: Database, other: Database) -> None:
    store_batch(other, counts(0))
    with statements(database) as asked, Watcher(database) as watcher:
        in_state(watcher, "stopped")
        store_batch(other, counts(1))
        seen(watcher, lambda snapshot: snapshot.batch.batch_id == 1)
        of_commit = len(asked)
        eventually(lambda: _ensure(len(asked) >= of_commit + 5), AssertionError)

    assert [each for each in asked if "sum(batches" in each or "FROM rejected" in each] == []
    quiet = [each for each in asked[of_commit + 1 :] if "pg_locks" not in each]
    assert {each.partition("FROM")[2].split()[0] for each in quiet} == {"batches"}


def test_only_weeks_that_a_commit_can_have_changed_are_read_again(store: Database) -> None:
    week = 7 * 24
    store_batch(store, counts(0, week, 2 * week))
    with Watcher(store) as watcher:
        in_state(watcher, "stopped")
        with statements(store) as asked:
            store_batch(store, counts(2 * week + 1), watermark=START + timedelta(hours=2 * week))
            seen(watcher, lambda snapshot: snapshot.batch.batch_id == 1)
            assert sum("AS answer ORDER BY window_start" in each for each in asked) == 1
        with statements(store) as asked:
            # With nothing too late, any may have changed.
            store_batch(store, counts(1, calls=5), watermark=None)
            snapshot = seen(watcher, lambda snapshot: snapshot.batch.batch_id == 2)
            assert sum("AS answer ORDER BY window_start" in each for each in asked) == 3

    assert snapshot.panels
    assert [row["rows"] for row in snapshot.panels.rows("windows", Choice())] == [1, 5, 1, 1, 1]


def test_of_several_commits_at_once_the_first_ones_watermark_counts(store: Database) -> None:
    week = 7 * 24
    store_batch(store, counts(0, week, 2 * week))
    watcher = Watcher(store)
    watcher._look()
    store_batch(store, counts(1), watermark=START)
    store_batch(store, counts(2 * week + 1), watermark=START + timedelta(hours=2 * week))

    snapshot = watcher._look()

    assert snapshot.panels
    assert len(snapshot.panels.rows("windows", Choice())) == 5


def test_where_duplicates_are_counted_nothing_is_too_late(tmp_path: Path) -> None:
    from dataclasses import replace

    question = replace(QUESTION, drops_duplicates=False)
    with closing(open_database(f"sqlite:///{tmp_path / 'answers.db'}", question)) as database:
        store_batch(database, counts(0, 7 * 24))
        watcher = Watcher(database)
        watcher._look()
        store_batch(database, counts(1), watermark=START + timedelta(days=30))

        snapshot = watcher._look()

        assert snapshot.panels
        assert len(snapshot.panels.rows("windows", Choice())) == 3


def test_a_store_that_is_deleted_is_none_again_and_leaves_no_file(tmp_path: Path, store: Database) -> None:
    store_batch(store, counts(0))
    with Watcher(store) as watcher:
        in_state(watcher, "stopped")

        delete_database(str(store._engine.url), QUESTION)

        gone = in_state(watcher, "none")
        assert (gone.panels, gone.batch, gone.first) == (None, None, None)
    assert list(tmp_path.iterdir()) == []


def test_another_streams_store_in_its_place_is_another_one(database: Database, other: Database) -> None:
    store_batch(other, counts(0, 1))
    with Watcher(database) as watcher:
        before = in_state(watcher, "stopped")
        other.drop()
        store_batch(other, counts(5), query_id="another")

        after = seen(watcher, lambda snapshot: snapshot.batch and snapshot.batch.query_id == "another")

        assert after.version > before.version
        assert after.first == START + timedelta(hours=5)
        assert after.panels
        assert after.panels is not before.panels
        assert [row["start"] for row in after.panels.rows("windows", Choice())] == [START + timedelta(hours=5)]


def test_a_place_that_holds_something_else_is_out_of_reach_until_it_does_not(tmp_path: Path, store: Database) -> None:
    path = tmp_path / "answers.db"
    theirs = sqlalchemy.create_engine(f"sqlite:///{path}")
    with theirs.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE accounts (id INTEGER)")
    theirs.dispose()

    with Watcher(store) as watcher:
        unusable = in_state(watcher, "unusable")
        assert "has tables that this program did not make (accounts)" in unusable.note
        assert "\n" not in unusable.note
        assert unusable.panels is None

        path.unlink()
        in_state(watcher, "none")


def test_another_questions_store_is_refused(tmp_path: Path, store: Database) -> None:
    with closing(open_database(str(store._engine.url), TAXI)) as taxi:
        StoreWriter(taxi).adopt_stream("query", {})

    with Watcher(store) as watcher:
        assert "answers the question taxi_rides, not sf_police" in in_state(watcher, "unusable").note


def test_what_is_read_so_far_is_shown_while_the_rest_is_read(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    from sf_police.page import watch

    monkeypatch.setattr(watch, "_SECONDS_OF_READING", 0)
    week = 7 * 24
    store_batch(store, counts(*(n * week for n in range(5))))
    watcher = Watcher(store)

    assert watcher._look().first is None
    monkeypatch.setattr(watch, "_SECONDS_OF_READING", 60)
    whole = watcher._look()
    assert (whole.first, whole.is_whole) == (START, True)


def test_it_ends_at_once_while_it_waits(store: Database) -> None:
    with Watcher(store) as watcher:
        in_state(watcher, "none")
    assert not watcher._thread.is_alive()
