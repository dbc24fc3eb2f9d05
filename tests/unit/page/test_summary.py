"""Every window in short: what is read, and read again; and as points of a chart."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from sf_police.page.summary import BEGINNING, END_OF_TIME, Bucket, Summary, Week, Window, buckets, grid, week_of
from sf_police.store.answers import StoreReader
from sf_police.store.database import Database
from sf_police.store.spans import SpanReader
from tests.support.builders import store_batch
from tests.support.pages import statements, whole_summary

MONDAY = datetime(2018, 10, 1)
WEEK = timedelta(days=7)
HALF_HOUR = timedelta(minutes=30)
PER_WEEK = 3  # the newest start, the windows, the outcomes


def counts(*starts: datetime, kind: str = "Fire", outcome: str = "Handled", calls: int = 1) -> list[tuple[Any, ...]]:
    return [(start, start + HALF_HOUR, kind, outcome, calls) for start in starts]


def summary_of(database: Database) -> Summary:
    return Summary(SpanReader(StoreReader(database)))


@pytest.fixture
def three_weeks(store: Database) -> Database:
    """Two windows in the first week, one in the second, none in the third, one in the fourth."""
    store_batch(
        store,
        [
            *counts(MONDAY, MONDAY + WEEK - HALF_HOUR, calls=2),
            *counts(MONDAY, kind="Flood", outcome="Cited", calls=3),
            *counts(MONDAY + WEEK),
            *counts(MONDAY + 3 * WEEK + timedelta(hours=5), outcome="Not recorded", calls=4),
        ],
    )
    return store


def test_the_newest_week_is_read_first(three_weeks: Database) -> None:
    summary = summary_of(three_weeks)
    read = []
    while not summary.is_whole:
        assert len(read) <= 4
        summary.read_older()
        read.append([week.start for week in summary.weeks()])

    assert read[:3] == [
        [MONDAY + 3 * WEEK],
        [MONDAY + WEEK, MONDAY + 3 * WEEK],
        [MONDAY, MONDAY + WEEK, MONDAY + 3 * WEEK],
    ]
    assert read[3:] == [read[2]]  # then it is known that there is no more


def test_a_week_holds_its_windows_in_short_and_its_outcomes(three_weeks: Database) -> None:
    assert whole_summary(three_weeks).weeks() == [
        Week(
            MONDAY,
            (Window(MONDAY, 5, 2), Window(MONDAY + WEEK - HALF_HOUR, 2, 1)),
            {"Handled": 4, "Cited": 3},
        ),
        Week(MONDAY + WEEK, (Window(MONDAY + WEEK, 1, 1),), {"Handled": 1}),
        Week(MONDAY + 3 * WEEK, (Window(MONDAY + 3 * WEEK + timedelta(hours=5), 4, 1),), {"Not recorded": 4}),
    ]


def test_a_summary_knows_from_when_to_when_it_is_read(three_weeks: Database) -> None:
    summary = summary_of(three_weeks)
    assert summary.span == (None, None)
    assert summary.windows() == []

    last = MONDAY + 3 * WEEK + timedelta(hours=5)
    for first in (last, MONDAY + WEEK, MONDAY):
        summary.read_older()
        assert summary.span == (first, last)


@pytest.mark.parametrize(
    ("since", "until", "windows", "weeks"),
    [
        (BEGINNING, END_OF_TIME, 4, 3),
        (MONDAY, MONDAY + WEEK, 2, 1),
        (MONDAY + HALF_HOUR, MONDAY + WEEK - HALF_HOUR, 0, 1),
        (MONDAY + HALF_HOUR, MONDAY + WEEK, 1, 1),
        (MONDAY + HALF_HOUR, MONDAY + WEEK + HALF_HOUR, 2, 2),
        (MONDAY + 2 * WEEK, MONDAY + 3 * WEEK, 0, 0),
        (MONDAY, MONDAY, 0, 0),
    ],
)
def test_a_span_begins_with_its_start_and_ends_before_its_end(
    three_weeks: Database, since: datetime, until: datetime, windows: int, weeks: int
) -> None:
    summary = whole_summary(three_weeks)

    assert len(summary.windows(since, until)) == windows
    assert len(summary.weeks(since, until)) == weeks


@pytest.mark.parametrize(
    ("since", "weeks"),
    [
        (MONDAY + 4 * WEEK, 0),
        (MONDAY + 3 * WEEK + HALF_HOUR, 1),
        (MONDAY + 3 * WEEK, 1),
        (MONDAY + 2 * WEEK, 1),  # in which there is none
        (MONDAY + 2 * WEEK - HALF_HOUR, 2),
        (MONDAY + WEEK, 2),
        (MONDAY, 3),
        (MONDAY - WEEK, 3),
        (None, 3),
    ],
)
def test_only_what_can_have_changed_is_read_again(three_weeks: Database, since: datetime | None, weeks: int) -> None:
    summary = whole_summary(three_weeks)

    with statements(three_weeks) as asked:
        summary.read_again(since)

    # And once more for the newest start, which is that of a week which cannot have changed, or there is none.
    assert len(asked) == PER_WEEK * weeks + 1


@pytest.mark.parametrize("since", [MONDAY + WEEK, None])
@pytest.mark.parametrize(
    "added",
    [
        counts(MONDAY + WEEK, calls=7),
        counts(MONDAY + WEEK + 2 * HALF_HOUR),
        counts(MONDAY + 2 * WEEK, MONDAY + 3 * WEEK),
        counts(MONDAY + 9 * WEEK, MONDAY + 30 * WEEK),
    ],
    ids=["the same window", "after a window", "a week between", "weeks after"],
)
def test_what_was_added_is_read(three_weeks: Database, added: list[tuple[Any, ...]], since: datetime | None) -> None:
    summary = whole_summary(three_weeks)
    store_batch(three_weeks, added)

    summary.read_again(since)

    assert summary.weeks() == whole_summary(three_weeks).weeks()


def test_a_window_before_all_others_is_read_while_nothing_is_too_late(three_weeks: Database) -> None:
    summary = whole_summary(three_weeks)
    store_batch(three_weeks, counts(MONDAY - 5 * WEEK), watermark=None)

    summary.read_again(None)

    assert summary.span[0] == MONDAY - 5 * WEEK
    assert summary.weeks() == whole_summary(three_weeks).weeks()


def test_what_is_not_read_yet_is_not_read_again_but_later(three_weeks: Database) -> None:
    summary = summary_of(three_weeks)
    summary.read_older()
    store_batch(three_weeks, counts(MONDAY + WEEK, MONDAY + 4 * WEEK, calls=6))

    with statements(three_weeks) as asked:
        summary.read_again(None)

    assert len(asked) == 2 * PER_WEEK + 1
    assert [week.start for week in summary.weeks()] == [MONDAY + 3 * WEEK, MONDAY + 4 * WEEK]
    while not summary.is_whole:
        summary.read_older()
    assert summary.weeks() == whole_summary(three_weeks).weeks()


def test_an_empty_store_is_whole_and_then_followed(store: Database) -> None:
    store.create()
    summary = whole_summary(store)
    assert (summary.span, summary.weeks()) == ((None, None), [])

    store_batch(store, counts(MONDAY))
    summary.read_again(None)

    assert summary.windows() == [Window(MONDAY, 1, 1)]


@pytest.mark.parametrize(
    ("time", "start"),
    [
        (MONDAY, MONDAY),
        (MONDAY + WEEK - timedelta(microseconds=1), MONDAY),
        (MONDAY + WEEK, MONDAY + WEEK),
        (datetime(1969, 12, 31), datetime(1969, 12, 29)),
        (BEGINNING, BEGINNING),
    ],
)
def test_a_week_begins_on_monday(time: datetime, start: datetime) -> None:
    assert week_of(time) == start


MINUTES = timedelta(minutes=1)
HOURS = timedelta(hours=1)
DAYS = timedelta(days=1)


@pytest.mark.parametrize(
    ("length", "span", "most", "size"),
    [
        (30 * MINUTES, 30 * MINUTES, 1, 30 * MINUTES),
        (30 * MINUTES, 50 * HOURS, 100, 30 * MINUTES),
        (30 * MINUTES, 50 * HOURS + 30 * MINUTES, 100, HOURS),
        (30 * MINUTES, 92 * DAYS, 1_500, 2 * HOURS),
        (30 * MINUTES, 92 * DAYS, 500, 6 * HOURS),
        (10 * MINUTES, 10 * HOURS, 60, 10 * MINUTES),
        (10 * MINUTES, 10 * HOURS, 59, HOURS),
        (2 * HOURS, 30 * HOURS, 10, 4 * HOURS),
        (6 * HOURS, 10 * DAYS, 20, 12 * HOURS),
        (6 * HOURS, 10 * DAYS, 39, 12 * HOURS),
        (5 * HOURS, 50 * HOURS, 10, 5 * HOURS),
        (5 * HOURS, 55 * HOURS, 10, 10 * HOURS),
        (WEEK, 10 * WEEK, 6, 2 * WEEK),
        (WEEK, 280 * WEEK, 71, 4 * WEEK),  # in the grid of 4 weeks they begin with a fourth one
        (WEEK, 281 * WEEK, 35, 12 * WEEK),  # 71 times 4 weeks; 8 weeks would take 36
    ],
)
def test_a_bucket_is_the_shortest_readable_one_that_suffices(
    length: timedelta, span: timedelta, most: int, size: timedelta
) -> None:
    assert grid(MONDAY, MONDAY + span - length, length, most=most).size == size


def windows_at_random(length: timedelta, number: int, seed: int) -> list[Window]:
    """Windows as the stream has them, aligned to 1970, from any one on, with gaps."""
    numbers = random.Random(seed)
    first = datetime(1970, 1, 1) + (MONDAY - datetime(1970, 1, 1)) // length * length + numbers.randrange(400) * length
    places = sorted(numbers.sample(range(3 * number), number))
    return [Window(first + n * length, numbers.randint(1, 90), numbers.randint(1, 40)) for n in places]


@pytest.mark.parametrize("minutes", [10, 15, 20, 30, 60, 120, 180, 240, 300, 360, 420])
@pytest.mark.parametrize("most", [1, 2, 7, 50])
@pytest.mark.parametrize("number", [1, 2, 30, 400])
def test_buckets_are_no_more_than_wanted_and_lose_nothing(minutes: int, most: int, number: int) -> None:
    length = timedelta(minutes=minutes)
    for seed in range(10):
        windows = windows_at_random(length, number, seed)

        found = buckets(windows, length, most=most)

        assert 1 <= len(found) <= most
        assert sum(each.rows for each in found) == sum(window.rows for window in windows)
        assert sum(each.windows for each in found) == number
        [size] = {each.end - each.start for each in found}
        assert not size % length
        for each, after in pairwise(found):
            assert each.end <= after.start
        for each in found:
            held = [window for window in windows if each.start <= window.start < each.end]
            kinds = [window.kinds for window in held]
            assert not (held[0].start - each.start) % length  # else a window is in two of them
            assert each.windows == len(held)
            assert each.rows == sum(window.rows for window in held)
            assert (each.kinds, each.least, each.most) == (sum(kinds) / len(kinds), min(kinds), max(kinds))


def test_a_window_at_a_buckets_edge_is_in_the_later_one() -> None:
    windows = [
        Window(MONDAY + 30 * MINUTES, 1, 5),
        Window(MONDAY + HOURS, 2, 7),
        Window(MONDAY + HOURS + 30 * MINUTES, 4, 4),
        Window(MONDAY + 3 * HOURS, 8, 9),
    ]

    assert buckets(windows, HALF_HOUR, most=4) == [
        Bucket(MONDAY, MONDAY + HOURS, 1, 1, 5.0, 5, 5),
        Bucket(MONDAY + HOURS, MONDAY + 2 * HOURS, 2, 6, 5.5, 4, 7),
        Bucket(MONDAY + 3 * HOURS, MONDAY + 4 * HOURS, 1, 8, 9.0, 9, 9),
    ]


def test_each_window_is_a_point_of_its_own_where_they_are_few() -> None:
    start = datetime(1970, 1, 1) + 5 * HOURS * 85_000
    windows = [Window(start + n * 5 * HOURS, n, n) for n in range(1, 5)]

    found = buckets(windows, 5 * HOURS, most=100)

    assert [(each.start, each.windows) for each in found] == [(window.start, 1) for window in windows]


def test_no_windows_are_no_points() -> None:
    assert buckets([], HALF_HOUR, most=10) == []
