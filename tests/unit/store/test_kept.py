"""Totals that are kept: after any batches they are what their statements yield over all the counts."""

from __future__ import annotations

import random
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from examples.taxi_rides import QUESTION as TAXI
from sf_police.calls import QUESTION
from sf_police.errors import SfPoliceError
from sf_police.store import kept
from sf_police.store.answers import StoreReader
from sf_police.store.database import Database, delete_database, existing_database, open_database
from sf_police.store.integrity import Checked, check_counts
from sf_police.store.kept import KeptTotals, touched
from sf_police.store.views import EVER, kept_totals, statements
from sf_police.store.writer import StoreWriter
from tests.support.builders import a_batch, a_counts_table, store_batch

DAY = datetime(2018, 10, 12)
HALF_HOUR = timedelta(minutes=30)
VIEWS = ("crime_type_answers", "overall_answer")


def at(hours: float) -> datetime:
    return DAY + timedelta(hours=hours)


def counted(hours: float, kind: str, outcome: str, calls: int) -> tuple[Any, ...]:
    return at(hours), at(hours) + HALF_HOUR, kind, outcome, calls


def some_counts(numbers: random.Random, rows: int) -> list[tuple[Any, ...]]:
    """Of windows that are near and far apart, in no order, of few kinds, so that batches meet in them."""
    hours = [n / 2 for n in range(10)] + [100, 100.5, 1000, -5000]
    outcomes = ("x", "y", "Not recorded")
    keys = {(numbers.choice(hours), numbers.choice("abcd"), numbers.choice(outcomes)) for _ in range(rows)}
    return [counted(*key, numbers.randint(1, 3)) for key in sorted(keys)]


@pytest.fixture
def few_stay_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a handful of counts are many."""
    monkeypatch.setattr(kept, "MOST_OPEN", 6)
    monkeypatch.setattr(kept, "STAY_OPEN", 2)
    monkeypatch.setattr(kept, "_SETTLED_AT_ONCE", 9)


def settle(database: Database) -> int:
    """Settle all that can be; return in how many steps."""
    writer, steps = StoreWriter(database), 1
    while writer.settle():
        steps += 1
    return steps


def settled_until(database: Database) -> datetime:
    found: datetime = database.rows(select(database.tables.settled))[0]["until"]
    return found


def assert_kept(database: Database) -> None:
    with database.transaction() as connection:
        assert KeptTotals(connection, database.tables, database.question, database.schema).differing() == []
    reader = StoreReader(database)
    for view in VIEWS:
        assert reader.answer(view) == reader.answered(view, "2 DESC, 1", *EVER)
    windows = reader.answer("window_answers")
    spreads = [row["crime_types"] for row in windows]
    assert reader.spread() == {value: spreads.count(value) for value in set(spreads)}
    assert reader.newest_windows(3) == windows[:-4:-1]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.usefixtures("few_stay_open")
def test_after_each_batch_quick_answers_are_those_of_all_counts(database: Database, seed: int) -> None:
    numbers = random.Random(seed)
    for rows in (3, 40, 0, 1, 25, 8):
        store_batch(database, some_counts(numbers, rows))
        assert_kept(database)
        settle(database)
        assert_kept(database)
    assert settled_until(database) > at(0)


@pytest.mark.usefixtures("few_stay_open")
def test_windows_are_settled_in_steps_but_for_the_newest(database: Database) -> None:
    store_batch(database, [counted(hour, "a", "x", 1) for hour in range(26)], lag=26)
    assert settled_until(database) == EVER[0]

    assert settle(database) == 3
    assert settled_until(database) == at(23)  # two stay open, and what is in the window of the one before
    assert_kept(database)
    assert settle(database) == 1


@pytest.mark.usefixtures("few_stay_open")
def test_a_batch_settles_once_no_more_wait_than_it_had(database: Database) -> None:
    store_batch(database, [counted(hour, "a", "x", 1) for hour in range(8)], lag=8)
    assert settled_until(database) == EVER[0]

    store_batch(database, [counted(9, "a", "x", 1)], lag=0)
    assert settled_until(database) == at(6)
    assert_kept(database)


@pytest.mark.usefixtures("few_stay_open")
def test_one_window_with_all_the_counts_stays_open(database: Database) -> None:
    store_batch(database, [counted(1, f"kind {number}", "x", 1) for number in range(30)])

    assert settle(database) == 1
    assert settled_until(database) == at(1)  # what is before it, which is nothing
    assert_kept(database)


@pytest.mark.usefixtures("few_stay_open")
def test_windows_of_the_last_day_of_all_count(database: Database) -> None:
    hours = (datetime(9999, 12, 31) - DAY) / timedelta(hours=1)
    last = [(at(hours + hour), at(hours + hour) + timedelta(minutes=29), "a", "x", 1) for hour in (0, 23.5)]
    store_batch(database, [*some_counts(random.Random(1), 12), *last])

    assert_kept(database)
    assert [row["calls"] for row in StoreReader(database).newest_windows(2)] == [1, 1]
    settle(database)
    assert_kept(database)


def test_the_views_read_no_settled_counts(database: Database) -> None:
    store_batch(database, [counted(hour, "a", "x", 1) for hour in range(6)])
    with database.transaction() as connection:
        connection.execute(database.tables.settled.update().values(until=at(4)))

    # Nobody has added up what is said to be settled, so it is missing.
    assert [row["calls"] for row in StoreReader(database).answer("overall_answer")] == [2]


@pytest.mark.usefixtures("few_stay_open")
def test_a_replayed_batch_or_one_that_fails_changes_no_totals(database: Database) -> None:
    store_batch(database, [counted(hour, "a", "x", 1) for hour in range(24)])
    settle(database)
    counts = [counted(1, "a", "x", 2), counted(1.5, "b", "y", 1)]
    batch = store_batch(database, counts)

    StoreWriter(database).write_batch(batch, a_counts_table(counts), [])
    unbalanced = a_batch(2, start=27, read=6, counted=5, rejected=1)
    with pytest.raises(SfPoliceError, match="were rejected, but 0 were found"):
        StoreWriter(database).write_batch(unbalanced, a_counts_table([counted(2, "c", "x", 5)]), [])

    assert_kept(database)
    assert [row["calls"] for row in StoreReader(database).answer("overall_answer")] == [27]


@given(st.lists(st.integers(0, 400), min_size=1, max_size=30))
@settings(max_examples=50)
def test_spans_hold_every_window_and_no_long_gap(hours: list[int]) -> None:
    spans = touched(a_counts_table([counted(hour, "a", "x", 1) for hour in hours]))

    assert all(any(since <= at(hour) < until for since, until in spans) for hour in hours)
    starts = {at(hour) for hour in hours}
    assert len(spans) == 1 + sum(later - earlier > timedelta(days=1) for earlier, later in pairwise(sorted(starts)))
    assert {since for since, _ in spans} | {until - timedelta(microseconds=1) for _, until in spans} <= starts


def test_a_batch_without_counts_touches_nothing() -> None:
    assert touched(a_counts_table([])) == []


@pytest.mark.parametrize("name", ["settled", *(each.table for each in kept_totals(QUESTION.answers).values())])
@pytest.mark.usefixtures("few_stay_open")
def test_totals_that_were_dropped_are_made_again(database: Database, name: str) -> None:
    store_batch(database, some_counts(random.Random(1), 30))
    settle(database)
    with database.transaction() as connection:
        for view in ("overall_answer", "crime_type_answers", *kept_totals(QUESTION.answers)):
            connection.exec_driver_sql(f"DROP VIEW {view}")
        connection.exec_driver_sql(f"DROP TABLE {name}")

    assert name in database.create()

    assert_kept(database)
    settle(database)
    assert_kept(database)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE settled_crime_type_totals SET windows = windows + 1 WHERE crime_type = 'a'",
        "DELETE FROM settled_spread_totals",
        "INSERT INTO settled_resolution_totals VALUES ('a', 'z', 1)",
        "UPDATE settled SET until = '2019-01-01 00:00:00'",
    ],
)
@pytest.mark.usefixtures("few_stay_open")
def test_a_start_sees_totals_that_were_altered(database: Database, statement: str) -> None:
    store_batch(database, some_counts(random.Random(1), 30))
    settle(database)
    assert check_counts(database, Checked()) is not None
    with database.transaction() as connection:
        connection.exec_driver_sql(statement)

    assert check_counts(database, Checked()) is None


def test_a_store_whose_totals_were_made_by_another_text_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'answers.db'}"
    with closing(open_database(url, QUESTION)) as database:
        StoreWriter(database).adopt_stream("query", {})
    same = QUESTION.answers.replace("GROUP BY crime_types;", "GROUP BY\n  crime_types;")
    other = QUESTION.answers.replace("COUNT(DISTINCT crime_type) AS", "COUNT(*) AS")
    assert QUESTION.answers not in (same, other)

    existing_database(url, replace(QUESTION, answers=same)).close()
    with pytest.raises(SfPoliceError, match=r"was made with another definition of sf_police \(changed: totals\)"):
        existing_database(url, replace(QUESTION, answers=other))


def test_a_question_without_totals_is_answered_from_its_windows(tmp_path: Path) -> None:
    quarter = timedelta(minutes=15)
    with closing(open_database(f"sqlite:///{tmp_path / 'rides.db'}", TAXI)) as database:
        rides = ((1, "a"), (1, "b"), (2, "a"))
        store_batch(database, [(at(hour), at(hour) + quarter, zone, "Card", 1, 5) for hour, zone in rides])

        assert StoreReader(database).spread() == {2: 1, 1: 1}


def test_reset_by_another_question_deletes_totals_too_but_nobody_elses(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'answers.db'}"
    with closing(open_database(url, QUESTION)) as database:
        StoreWriter(database).adopt_stream("query", {})
        with database.transaction() as connection:
            connection.exec_driver_sql("CREATE TABLE my_totals (mine text)")

    assert delete_database(url, TAXI) == ["my_totals"]
    with closing(open_database(url, TAXI)) as database, database.transaction() as connection:
        assert [each.name for each in database.backend.relations(connection, "")] == ["my_totals"]


def test_statements_come_after_what_they_read() -> None:
    names = list(statements(QUESTION.answers))

    assert names.index("window_totals") < names.index("spread_totals") < names.index("overall_answer")
    assert names.index("window_totals") < names.index("window_answers")
