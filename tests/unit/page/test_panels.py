"""The panels of a small store, against what a person counts from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from examples.taxi_rides import QUESTION as TAXI
from sf_police.calls import QUESTION
from sf_police.page.colors import NO_VOTE_PLACE, OTHERS_PLACE
from sf_police.page.over_time import Choice
from sf_police.page.panels import PANELS, Panels, event_time
from sf_police.store.answers import StoreReader
from sf_police.store.database import Database, open_database
from sf_police.view.terminal import to_csv, to_json
from tests.support.builders import a_batch, store_batch
from tests.support.pages import HALF_HOUR, panels_of, statements

FRIDAY = datetime(2018, 10, 12)
SATURDAY = datetime(2018, 10, 13)
EVER = Choice()
ON_FRIDAY = Choice(FRIDAY, SATURDAY)


def at(hours: float, day: datetime = FRIDAY) -> datetime:
    return day + timedelta(hours=hours)


def counted(start: datetime, kind: str, outcome: str, calls: int) -> tuple[Any, ...]:
    return (start, start + HALF_HOUR, kind, outcome, calls)


# Twelve calls in three windows.
COUNTS = [
    counted(at(14), "Traffic Stop", "Handled", 6),
    counted(at(14), "Passing Call", "Handled", 1),
    counted(at(14.5), "Traffic Stop", "Not recorded", 3),
    counted(at(14, SATURDAY), "Traffic Stop", "Cited", 2),
]


@pytest.fixture
def small(database: Database) -> Database:
    store_batch(database, COUNTS)
    return database


@pytest.fixture
def panels(small: Database) -> Panels:
    return panels_of(small)


def point(start: datetime, rows: int, kinds: int, mark: str = "") -> dict[str, Any]:
    return {
        "start": start, "end": start + HALF_HOUR, "windows": 1, "rows": rows, "kinds": kinds, "least": kinds,
        "most": kinds, "mark": mark,
    }  # fmt: skip


POINTS = [point(at(14), 7, 2), point(at(14.5), 3, 1), point(at(14, SATURDAY), 2, 1)]


def test_windows_and_overview_are_points_of_one_window_where_they_are_few(panels: Panels) -> None:
    assert panels.rows("windows", EVER) == POINTS
    assert panels.rows("windows", ON_FRIDAY) == POINTS[:2]
    assert panels.rows("windows", Choice(at(14.5), at(14, SATURDAY))) == POINTS[1:2]
    assert panels.rows("overview", ON_FRIDAY) == POINTS


def outcome(start: datetime, name: str, rows: int, share: float, place: int) -> dict[str, Any]:
    return {
        "start": start, "end": start + HALF_HOUR, "outcome": name, "rows": rows, "share": share, "place": place,
    }  # fmt: skip


def test_outcomes_over_time_are_all_there_at_each_point(panels: Panels) -> None:
    none = NO_VOTE_PLACE

    assert panels.rows("outcomes", Choice(FRIDAY, SATURDAY + timedelta(days=1))) == [
        outcome(at(14), "Handled", 7, 1.0, 0),
        outcome(at(14), "Cited", 0, 0.0, 1),
        outcome(at(14), "Not recorded", 0, 0.0, none),
        outcome(at(14.5), "Handled", 0, 0.0, 0),
        outcome(at(14.5), "Cited", 0, 0.0, 1),
        outcome(at(14.5), "Not recorded", 3, 1.0, none),
        outcome(at(14, SATURDAY), "Handled", 0, 0.0, 0),
        outcome(at(14, SATURDAY), "Cited", 2, 1.0, 1),
        outcome(at(14, SATURDAY), "Not recorded", 0, 0.0, none),
    ]
    # It keeps its place, whatever else is chosen.
    assert panels.rows("outcomes", Choice(SATURDAY, SATURDAY + timedelta(days=1))) == [
        outcome(at(14, SATURDAY), "Cited", 2, 1.0, 1)
    ]


def test_shares_are_of_the_span_or_of_one_kind_in_it(panels: Panels) -> None:
    def shares(choice: Choice) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in panels.rows("shares", choice)]

    assert panels.rows("shares", EVER)[0] == {"outcome": "Handled", "rows": 7, "share": 0.5833, "place": 0}
    assert shares(EVER)[1:] == [("Not recorded", 3, 0.25, NO_VOTE_PLACE), ("Cited", 2, 0.1667, 1)]
    assert shares(ON_FRIDAY) == [("Handled", 7, 0.7, 0), ("Not recorded", 3, 0.3, NO_VOTE_PLACE)]
    assert shares(replace(ON_FRIDAY, kind="Passing Call")) == [("Handled", 1, 1.0, 0)]
    assert shares(replace(EVER, kind="None such")) == []


def test_hours_are_means_of_the_windows_that_exist(panels: Panels) -> None:
    friday = {"weekday": "Friday", "hour": 14, "windows": 2, "rows": 10, "mean": 5.0, "kinds": 1.5}
    saturday = {"weekday": "Saturday", "hour": 14, "windows": 1, "rows": 2, "mean": 2.0, "kinds": 1.0}

    assert panels.rows("hours", EVER) == [friday, saturday]
    assert panels.rows("hours", replace(EVER, kind="Passing Call")) == [
        {**friday, "rows": 1, "mean": 0.5},
        {**saturday, "rows": 0, "mean": 0.0},
    ]


def test_a_kind_has_its_own_points(panels: Panels) -> None:
    def kind(name: str) -> list[dict[str, Any]]:
        return panels.rows("kind", replace(EVER, kind=name))

    assert kind("Traffic Stop") == [
        {"start": start, "end": start + HALF_HOUR, "rows": rows}
        for start, rows in ((at(14), 6), (at(14.5), 3), (at(14, SATURDAY), 2))
    ]
    assert kind("Passing Call") == [{"start": at(14), "end": at(14.5), "rows": 1}]
    assert kind("") == kind("traffic stop") == []


def test_kinds_have_shares_of_all_and_of_their_own(panels: Panels) -> None:
    traffic = {
        "crime_type": "Traffic Stop", "calls": 11, "share": 0.916667, "windows": 3, "usual_resolution": "Handled",
        "usual_resolution_calls": 6, "usual_share": 0.5455,
    }  # fmt: skip
    passing = {
        "crime_type": "Passing Call", "calls": 1, "share": 0.083333, "windows": 1, "usual_resolution": "Handled",
        "usual_resolution_calls": 1, "usual_share": 1.0,
    }  # fmt: skip

    assert panels.rows("kinds", EVER) == [traffic, passing]
    assert list(panels.rows("kinds", EVER)[0]) == list(traffic)
    # Nothing else is recorded of it.
    assert panels.rows("kinds", Choice(at(14.5), at(15))) == [
        {**traffic, "calls": 3, "share": 1.0, "windows": 1, "usual_resolution": None, "usual_resolution_calls": None,
         "usual_share": None}
    ]  # fmt: skip


def test_the_answer_is_that_of_the_span_in_words_and_figures(panels: Panels) -> None:
    [whole] = panels.rows("answer", EVER)

    assert whole == {
        "answer": "A half hour has 1 crime type (median; 1 to 2). Usual resolution: Handled, 58 % of calls.",
        "made_of": "12 calls of 2 crime types in 3 windows; Handled: 7 calls.",
        "calls": 12, "windows": 3, "crime_types": 2, "usual_resolution": "Handled", "usual_resolution_calls": 7,
        "window": "30 minutes", "crime_types_per_window_minimum": 1, "crime_types_per_window_median": 1,
        "crime_types_per_window_maximum": 2,
    }  # fmt: skip
    [friday] = panels.rows("answer", ON_FRIDAY)
    assert friday["answer"] == (
        "A half hour has 1.5 crime types (median; 1 to 2). Usual resolution: Handled, 70 % of calls."
    )
    [unrecorded] = panels.rows("answer", Choice(at(14.5), at(15)))
    assert unrecorded["answer"].endswith("No call has a recorded resolution.")
    assert panels.rows("answer", Choice(at(15), at(16))) == []


def test_a_window_is_shown_by_its_counts(panels: Panels) -> None:
    window = {"window_start": at(14), "window_end": at(14.5), "resolution": "Handled"}

    assert panels.rows("window", Choice(window=at(14))) == [
        {**window, "crime_type": "Traffic Stop", "calls": 6},
        {**window, "crime_type": "Passing Call", "calls": 1},
    ]
    assert panels.rows("window", Choice(window=at(14.25))) == []
    assert panels.rows("window", EVER) == []


def test_books_are_those_of_the_whole_store(small: Database, panels: Panels) -> None:
    store_batch(small, rejected=[a_rejected(0, b"[]")], late=3, duplicates=1)

    [books] = panels.rows("books", ON_FRIDAY)

    assert books == {
        "offsets": 17, "read": 17, "counted": 12, "duplicates": 1, "late": 3, "rejected": 1, "stored_counted": 12,
        "stored_rejected": 1, "expired_batches": 0, "expired_late": 0, "expired_rejected": 0, "gaps": 0,
            "is_balanced": True,
        "line": "books: read 17 = counted 12 + duplicates 1 + late 3 + rejected 1",
    }  # fmt: skip


def test_books_that_do_not_balance_say_so(small: Database, panels: Panels) -> None:
    with small.transaction() as connection:
        connection.execute(small.tables.counts.update().values(calls=small.tables.counts.c.calls + 1))

    [books] = panels.rows("books", EVER)

    assert not books["is_balanced"]
    assert books["line"].endswith("THEY DO NOT BALANCE: the tables hold 16 counted calls and 0 rejected records")


def a_rejected(offset: int, value: bytes | None, **fields: Any) -> dict[str, Any]:
    return {"topic": "calls", "partition": 0, "offset": offset, "reason": "not UTF-8", "value": value, **fields}


HOSTILE = [
    (b"\xff\x00<script>alert(1)</script>\x1b[2J", r"\xff\x00<script>alert(1)</script>\x1b[2J", None),
    (None, "no value", None),
    (b"", "", None),
    (b'{"call_date_time":"2018-10-12T14:10:00.000"', '{"call_date_time":"2018-10-12T14:10:00.000"', at(14 + 1 / 6)),
    (b"2018-10-12T14:29:59.999 2018-10-13T00:00:00.000", "2018-10-12T14:29:59.999 2018-10-13T00:00:00.000",
     datetime(2018, 10, 12, 14, 29, 59, 999_000)),
    (b"2018-13-45T99:99:99.999", "2018-13-45T99:99:99.999", None),
    ("\u202e日本=1+1".encode(), r"\u202e日本=1+1", None),
    (b"2018-10-12T14:30:00.000" + b"x" * 5_000, f"2018-10-12T14:30:00.000{'x' * 1_977}… (5,023 bytes)", at(14.5)),
]  # fmt: skip


def test_rejected_records_are_text_with_reason_and_size_the_newest_first(small: Database, panels: Panels) -> None:
    store_batch(small, rejected=[a_rejected(n, value) for n, (value, _, _) in enumerate(HOSTILE)])

    assert panels.rows("rejected", EVER) == [
        {"topic": "calls", "partition": 0, "offset": n, "time": time, "reason": "not UTF-8",
         "bytes": None if value is None else len(value), "value": text}
        for n, (value, text, time) in reversed(list(enumerate(HOSTILE)))
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("start", "offsets"), [(at(14), [4, 3]), (at(14.5), [7]), (at(13.5), []), (at(0, SATURDAY), [])]
)
def test_rejected_records_of_a_window_have_a_time_in_it(
    small: Database, panels: Panels, start: datetime, offsets: list[int]
) -> None:
    store_batch(small, rejected=[a_rejected(n, value) for n, (value, _, _) in enumerate(HOSTILE)])

    assert [row["offset"] for row in panels.rows("rejected", Choice(window=start))] == offsets


def test_rejected_records_are_a_hundred_at_most(small: Database, panels: Panels) -> None:
    time = b"2018-10-12T14:10:00.000"
    store_batch(small, rejected=[a_rejected(n, time if n < 5 else b"") for n in range(120)])

    assert [row["offset"] for row in panels.rows("rejected", EVER)] == list(range(119, 19, -1))
    assert [row["offset"] for row in panels.rows("rejected", Choice(window=at(14)))] == [4, 3, 2, 1, 0]


def test_a_time_is_read_in_the_form_of_the_question() -> None:
    assert event_time(b'{"pickup_time":"2024-03-04T08:05:00Z"}', TAXI) == datetime(2024, 3, 4, 8, 5)
    assert event_time(b'{"pickup_time":"2024-03-04T08:05:00"}', TAXI) is None


def test_health_tells_of_each_micro_batch_how_far_the_watermark_is_behind(database: Database) -> None:
    store_batch(database, COUNTS[:2], watermark=None, seconds=2.0, lag=40, state_rows=7, late=1)
    store_batch(database, COUNTS[2:3], watermark=at(14.25), seconds=0.0, lag=None, state_rows=None, duplicates=2)
    store_batch(database, COUNTS[3:], watermark=at(15), seconds=0.3333, lag=0, state_rows=1)
    times = [batch.committed_at for batch in StoreReader(database).last_batches(3)[::-1]]

    rows = panels_of(database, delay=timedelta(minutes=10)).rows("health", ON_FRIDAY)

    assert rows == [
        {"batch": 0, "committed_at": times[0], "read": 8, "seconds": 2.0, "rows_per_s": 4, "lag": 40, "state_rows": 7,
         "watermark": None, "behind_s": None, "counted": 7, "late": 1, "duplicates": 0, "rejected": 0},
        # The next watermark, 15:00, is ten minutes before the latest event.
        {"batch": 1, "committed_at": times[1], "read": 5, "seconds": 0.0, "rows_per_s": 0, "lag": None,
         "state_rows": None, "watermark": at(14.25), "behind_s": 55 * 60.0, "counted": 3, "late": 0, "duplicates": 2,
         "rejected": 0},
        {"batch": 2, "committed_at": times[2], "read": 2, "seconds": 0.333, "rows_per_s": 6, "lag": 0, "state_rows": 1,
         "watermark": at(15), "behind_s": None, "counted": 2, "late": 0, "duplicates": 0, "rejected": 0},
    ]  # fmt: skip
    assert {row["behind_s"] for row in panels_of(database).rows("health", EVER)} == {None}


def test_health_is_of_the_newest_micro_batches(store: Database) -> None:
    store_batch(store, late=1)
    with store.transaction() as connection:
        more = [a_batch(n, start=n, read=1, late=1).row() for n in range(1, 302)]
        connection.execute(store.tables.batches.insert(), more)

    assert [row["batch"] for row in panels_of(store).rows("health", EVER)] == list(range(2, 302))


OUTCOMES = {name: 20 - n for n, name in enumerate("ABCDEFGHI")} | {"Not recorded": 50}


def test_outcomes_without_a_colour_of_their_own_are_shown_together(store: Database) -> None:
    store_batch(store, [counted(at(14), "Fire", name, calls) for name, calls in OUTCOMES.items()])
    store_batch(store, [counted(at(15), "Fire", "J", 1)])
    panels = panels_of(store)

    over = panels.rows("outcomes", ON_FRIDAY)

    assert [(row["outcome"], row["place"]) for row in over[:9]] == [
        *zip("ABCDEFG", range(7), strict=True), ("all others", OTHERS_PLACE), ("Not recorded", NO_VOTE_PLACE),
    ]  # fmt: skip
    assert [row["rows"] for row in over] == [20, 19, 18, 17, 16, 15, 14, 13 + 12, 50, *[0] * 7, 1, 0]
    # Beside the chart over time each has its own name.
    shares = {row["outcome"]: row["place"] for row in panels.rows("shares", ON_FRIDAY)}
    assert {name: shares[name] for name in "GHIJ"} == {"G": 6, "H": 100, "I": 100, "J": 100}


def many_windows(days: int, *, every: timedelta = HALF_HOUR, gone: tuple[datetime, ...] = ()) -> list[tuple[Any, ...]]:
    starts = (FRIDAY + n * every for n in range(days * timedelta(days=1) // every))
    return [counted(start, "Fire", "Handled", 1 if start in gone else 49) for start in starts]


def test_findings_are_marked_where_each_window_is_a_point(store: Database) -> None:
    outage = datetime(2018, 10, 25, 12)
    store_batch(store, many_windows(42, gone=(outage, outage + HALF_HOUR)))
    panels = panels_of(store)

    [found] = [row for row in panels.rows("findings", ON_FRIDAY) if row["kind"] == "few"]

    text = "2018-10-25, 12:00 to 13:00: 2 calls, where some 98 are usual."
    assert found == {"kind": "few", "text": text, "start": outage, "end": outage + 2 * HALF_HOUR, "distance": 6.9}
    assert [row["mark"] for row in panels.rows("windows", Choice(outage - HALF_HOUR, outage + 3 * HALF_HOUR))] == [
        "", "few", "few", "",
    ]  # fmt: skip
    # 2,016 windows are more than a chart can show.
    together = panels.rows("windows", EVER)
    assert len(together) == 1_008
    assert {row["mark"] for row in together} == {""}
    assert sum(row["rows"] for row in together) == 49 * 2_014 + 2
    night = [row for row in panels.rows("findings", EVER) if row["kind"] == "repeated"]
    [start] = [row["start"] for row in night]
    assert start == datetime(2018, 11, 4, 1)
    hour = panels.rows("windows", Choice(start, start + 2 * HALF_HOUR))
    assert [row["mark"] for row in hour] == ["repeated", "repeated"]


def test_outcomes_of_more_than_a_year_are_those_of_its_weeks_and_ask_for_nothing(store: Database) -> None:
    # 60 weeks, a window on each Friday.
    store_batch(store, many_windows(7 * 60, every=timedelta(days=7)))
    panels = panels_of(store)

    with statements(store) as asked:
        rows = panels.rows("outcomes", Choice(FRIDAY, FRIDAY + timedelta(days=7 * 60)))

    assert asked == []
    monday = datetime(2018, 10, 8)
    assert rows == [
        {"start": monday + n * timedelta(days=7), "end": monday + (n + 1) * timedelta(days=7), "outcome": "Handled",
         "rows": 49, "share": 1.0, "place": 0}
        for n in range(60)
    ]  # fmt: skip
    # Of a year, by window.
    year = panels.rows("outcomes", Choice(FRIDAY, FRIDAY + timedelta(days=7 * 52)))
    assert sum(row["rows"] for row in year) == 49 * 52


@pytest.mark.parametrize("panel", PANELS)
def test_of_a_store_without_a_window_there_is_nothing_but_books(store: Database, panel: str) -> None:
    store.create()
    panels = panels_of(store)

    assert len(panels.rows(panel, EVER)) == (1 if panel == "books" else 0)


@pytest.mark.parametrize("panel", PANELS)
def test_every_panel_is_a_table_of_equal_rows(panels: Panels, small: Database, panel: str) -> None:
    store_batch(small, rejected=[a_rejected(n, value) for n, (value, _, _) in enumerate(HOSTILE)])

    rows = panels.rows(panel, Choice(kind="Traffic Stop", window=at(14)))

    assert rows or panel == "findings"
    assert len({tuple(row) for row in rows}) <= 1
    assert len(json.loads(to_json(rows))) == len(rows)
    assert to_csv(rows).count("\n") == len(rows) + bool(rows)


def test_an_unknown_panel_is_an_error(panels: Panels) -> None:
    with pytest.raises(KeyError):
        panels.rows("passwords", EVER)


@pytest.fixture
def taxi(tmp_path: Path) -> Iterator[Database]:
    with closing(open_database(f"sqlite:///{tmp_path / 'rides.db'}", TAXI)) as database:
        database.create()
        quarter = timedelta(minutes=15)
        rides = [
            (at(8), at(8) + quarter, "Harbor", "Card", 2, 1_930),
            (at(8), at(8) + quarter, "Station", "Cash", 1, 700),
            (at(8.25), at(8.5), "Harbor", "Card", 1, 70),
        ]
        store_batch(database, rides)
        yield database


def test_another_question_has_the_same_panels(taxi: Database) -> None:
    panels = panels_of(taxi, length=timedelta(minutes=15))

    [answer] = panels.rows("answer", EVER)
    assert answer["answer"] == (
        "In 15 minutes rides start in 1.5 zones (median; 1 to 2). Usual payment: Card, 75 % of rides."
    )
    assert answer["made_of"] == "4 rides from 2 zones in 2 windows earned 27.00; Card: 3 rides."
    assert panels.rows("kinds", EVER)[0] == {
        "zone": "Harbor", "rides": 3, "share": 0.75, "fare": Decimal("20.00"), "usual_payment": "Card",
        "usual_payment_rides": 3, "usual_share": 1.0,
    }  # fmt: skip
    assert [(row["start"], row["rows"], row["kinds"]) for row in panels.rows("windows", EVER)] == [
        (at(8), 3, 2), (at(8.25), 1, 1),
    ]  # fmt: skip
    # Each has a vote, and none is grey.
    assert [(row["outcome"], row["place"]) for row in panels.rows("shares", EVER)] == [("Card", 0), ("Cash", 1)]
    assert {row["hour"]: row["mean"] for row in panels.rows("hours", replace(EVER, kind="Harbor"))} == {8: 1.5}


def test_without_a_view_by_kind_there_are_no_kinds(store: Database) -> None:
    store_batch(store, COUNTS)
    text = QUESTION.answers.replace("-- name: crime_type_answers", "-- name: other_answers")
    store.question = replace(QUESTION, answers=text)

    assert panels_of(store).rows("kinds", EVER) == []
