"""A span of windows is answered as a store that holds that span alone."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from examples.taxi_rides import QUESTION as TAXI
from sf_police.calls import QUESTION
from sf_police.question import Field, Question
from sf_police.store.answers import StoreReader
from sf_police.store.database import Database, open_database
from sf_police.store.spans import SpanReader
from sf_police.store.views import OVERALL_ANSWER, WINDOW_ANSWERS
from tests.support.builders import store_batch

Opened = Callable[[Question], Database]

DAY = datetime(2018, 10, 12)
EVER = (datetime(1, 1, 1), datetime(9999, 12, 31))
# Names that a query must neither run nor take for its own parameters, nor a driver for its.
KINDS = (
    'O\'Brien "x"',
    ":since",
    "%(until)s 100 %s %",
    "日本 ☃ é",
    r"a\:b\\",
    "'; DROP TABLE counts; --",
    "Traffic Stop",
)
OUTCOMES = ("Handled", "Not recorded", ":until", "50 %", "Ça va")


def at(hours: float) -> datetime:
    return DAY + timedelta(hours=hours)


def random_counts() -> list[tuple[Any, ...]]:
    """Calls in 40 of 96 windows of two days, of each kind in some, with many ties."""
    numbers = random.Random(17)
    starts = numbers.sample([at(n / 2) for n in range(96)], 40)
    return [
        (start, start + timedelta(minutes=30), kind, outcome, numbers.randint(1, 3))
        for start in starts
        for kind in numbers.sample(KINDS, numbers.randint(1, 4))
        for outcome in numbers.sample(OUTCOMES, numbers.randint(1, 3))
    ]


COUNTS = random_counts()
SPANS = [
    EVER,
    (at(0), at(48)),
    (at(3), at(9)),
    (at(3.5), at(4)),
    (at(13.25), at(30.75)),
    (at(4), at(4)),
    (at(9), at(3)),
    (at(-48), at(0)),
    (at(48), at(96)),
    *((at(n / 2), at(n / 2 + 7)) for n in random.Random(5).sample(range(80), 5)),
]


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    """Opens a new store of a question, each in a place of its own."""
    databases: list[Database] = []

    def opened(question: Question) -> Database:
        number = len(databases)
        if request.param == "sqlite":
            databases.append(open_database(f"sqlite:///{tmp_path / f'{number} % é.db'}", question))
        else:
            databases.append(open_database(request.getfixturevalue("postgresql"), question, f"spans_{number}"))
        databases[-1].create()
        return databases[-1]

    yield opened
    for database in databases:
        database.drop()
        database.close()


@pytest.fixture
def calls(opened: Opened) -> SpanReader:
    database = opened(QUESTION)
    store_batch(database, COUNTS)
    return SpanReader(StoreReader(database))


def alone(folder: Path, span: tuple[datetime, datetime]) -> dict[str, list[dict[str, Any]]]:
    """Each view over a store that holds that span alone."""
    with closing(open_database(f"sqlite:///{folder / 'alone.db'}", QUESTION)) as database:
        database.create()
        store_batch(database, [row for row in COUNTS if span[0] <= row[0] < span[1]])
        reader = StoreReader(database)
        return {view: reader.answer(view) for view in (WINDOW_ANSWERS, "crime_type_answers", OVERALL_ANSWER)}


@pytest.mark.parametrize("span", SPANS, ids=str)
def test_a_span_is_answered_as_if_there_were_nothing_else(
    calls: SpanReader, tmp_path: Path, span: tuple[datetime, datetime]
) -> None:
    expected = alone(tmp_path, span)

    assert calls.windows(*span) == expected[WINDOW_ANSWERS]
    assert calls.windows_in_short(*span) == [
        (row["window_start"], row["calls"], row["crime_types"]) for row in expected[WINDOW_ANSWERS]
    ]
    for view in ("crime_type_answers", OVERALL_ANSWER):
        assert calls.answer(view, *span) == expected[view]


@pytest.mark.parametrize("span", SPANS, ids=str)
def test_sums_of_a_span_are_those_of_its_counts(calls: SpanReader, span: tuple[datetime, datetime]) -> None:
    by_outcome: dict[str, int] = {}
    by_window: dict[datetime, dict[str, int]] = {}
    of_kinds: dict[str, tuple[dict[str, int], dict[datetime, int]]] = {kind: ({}, {}) for kind in KINDS}
    for start, _, kind, outcome, number in COUNTS:
        if span[0] <= start < span[1]:
            for numbers, key in (
                (by_outcome, outcome),
                (by_window.setdefault(start, {}), outcome),
                (of_kinds[kind][0], outcome),
                (of_kinds[kind][1], start),
            ):
                numbers[key] = numbers.get(key, 0) + number

    assert calls.outcomes(*span) == by_outcome
    assert calls.outcomes_by_window(*span) == by_window
    for kind, (outcomes, windows) in of_kinds.items():
        assert calls.outcomes(*span, kind=kind) == outcomes
        assert calls.kind_by_window(kind, *span) == windows


def test_outcomes_come_the_most_frequent_first_and_ties_by_name(opened: Opened) -> None:
    database = opened(QUESTION)
    kinds = [("Fire", "Cited", 2), ("Fire", "é", 2), ("Fire", "Z", 2), ("Fire", "Handled", 5), ("Flood", "Z", 1)]
    store_batch(database, [(at(1), at(1.5), *each) for each in kinds])
    spans = SpanReader(StoreReader(database))

    assert list(spans.outcomes(*EVER).items()) == [("Handled", 5), ("Z", 3), ("Cited", 2), ("é", 2)]
    assert list(spans.outcomes(*EVER, kind="Flood").items()) == [("Z", 1)]


def test_windows_come_by_start(calls: SpanReader) -> None:
    starts = sorted({row[0] for row in COUNTS})

    assert [row["window_start"] for row in calls.windows(*EVER)] == starts
    assert list(calls.outcomes_by_window(*EVER)) == starts
    assert list(calls.kind_by_window("Traffic Stop", *EVER)) == sorted({r[0] for r in COUNTS if r[2] == "Traffic Stop"})


def test_the_newest_window_before_a_time_is_not_that_time(opened: Opened) -> None:
    database = opened(QUESTION)
    spans = SpanReader(StoreReader(database))
    assert spans.newest_start(before=EVER[1]) is None
    store_batch(database, [(at(hours), at(hours + 0.5), "Fire", "Handled", 1) for hours in (1, 2.5, 30)])

    found = [spans.newest_start(before=each) for each in (EVER[1], at(30), at(29.9), at(2.5), at(1), EVER[0])]

    assert found == [at(30), at(2.5), at(2.5), at(1), None, None]


def test_a_windows_length_is_known_from_the_first_window_on(opened: Opened) -> None:
    database = opened(QUESTION)
    spans = SpanReader(StoreReader(database))
    assert spans.window_length_s() is None

    store_batch(database, [(at(1), at(1.5), "Fire", "Handled", 1)])

    assert spans.window_length_s() == 1_800


def test_a_sum_of_decimals_is_one(opened: Opened) -> None:
    database = opened(TAXI)
    quarter = timedelta(minutes=15)
    rides = [
        (at(8), at(8) + quarter, "Harbor", "Card", 2, 1_930),
        (at(8), at(8) + quarter, "Station", "Cash", 1, 700),
        (at(9), at(9) + quarter, "Harbor", "Cash", 3, 12_346_228),
    ]
    store_batch(database, rides)
    spans = SpanReader(StoreReader(database))

    assert spans.windows(at(8), at(9)) == [
        {"window_start": at(8), "window_end": at(8.25), "rides": 3, "zones": 2, "fare": Decimal("26.30")}
    ]
    assert spans.answer("zone_answers", at(8), at(9)) == [
        {"zone": "Harbor", "rides": 2, "fare": Decimal("19.30"), "usual_payment": "Card", "usual_payment_rides": 2},
        {"zone": "Station", "rides": 1, "fare": Decimal("7.00"), "usual_payment": "Cash", "usual_payment_rides": 1},
    ]
    assert spans.answer(OVERALL_ANSWER, at(9), at(10)) == [
        {"rides": 3, "windows": 1, "zones": 1, "fare": Decimal("123462.28"), "usual_payment": "Cash",
         "usual_payment_rides": 3}
    ]  # fmt: skip
    assert spans.answer(OVERALL_ANSWER, at(10), at(10)) == [
        {"rides": 0, "windows": 0, "zones": 0, "fare": Decimal("0.00"), "usual_payment": None,
         "usual_payment_rides": None}
    ]  # fmt: skip
    assert spans.outcomes(*EVER) == {"Cash": 4, "Card": 2}


@pytest.mark.parametrize(
    ("kind", "windows"),
    [("7", {at(1): 4}), ("-7", {at(1): 1}), ("8", {}), ("seven", {}), ("", {}), ("7.0", {}), ("9" * 19, {}), ("٧", {})],
)
def test_a_group_of_integers_is_asked_for_as_text(opened: Opened, kind: str, windows: dict[datetime, int]) -> None:
    database = opened(replace(TAXI, groups=(Field("zone", "integer"), Field("payment", "integer"))))
    store_batch(database, [(at(1), at(1.25), 7, 2, 4, 100), (at(1), at(1.25), -7, 3, 1, 100)])
    spans = SpanReader(StoreReader(database))

    assert spans.kind_by_window(kind, *EVER) == windows
    assert sum(spans.outcomes(*EVER, kind=kind).values()) == sum(windows.values())
    assert spans.outcomes(*EVER) == {"2": 4, "3": 1}


@pytest.mark.parametrize("kind", ["Traffic\0Stop", "traffic stop", "Traffic Stop ", "%"])
def test_what_no_record_has_has_no_windows(calls: SpanReader, kind: str) -> None:
    assert calls.kind_by_window(kind, *EVER) == {}
    assert calls.outcomes(*EVER, kind=kind) == {}


def test_a_view_may_begin_with_a_part_of_its_own_and_hold_colons(opened: Opened) -> None:
    view = """
-- name: timed_answers
WITH timed AS (SELECT crime_type || ' at 12:30' AS kind, calls FROM counts)
SELECT kind, CAST(SUM(calls) AS BIGINT) AS calls FROM timed GROUP BY kind ORDER BY kind -- the last line;
"""
    database = opened(replace(QUESTION, answers=QUESTION.answers + view))
    rows = [(at(1), at(1.5), "Fire", "Handled", 1), (at(2), at(2.5), "Flood", "Handled", 2)]
    store_batch(database, [*rows, (at(3), at(3.5), "Fire", "Handled", 4)])

    found = SpanReader(StoreReader(database)).answer("timed_answers", at(1), at(3))

    assert found == [{"kind": "Flood at 12:30", "calls": 2}, {"kind": "Fire at 12:30", "calls": 1}]
