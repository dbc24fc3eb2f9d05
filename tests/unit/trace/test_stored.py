"""What became of a record, by what the store has of its micro-batch, and of the others with its id."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sf_police.calls import QUESTION
from sf_police.store.answers import StoreReader
from sf_police.store.writer import StoreWriter
from sf_police.topic.record import TopicRecord
from sf_police.trace.journey import Fate, Outcome
from sf_police.trace.stored import Traced, fate_of, in_store
from tests.support.builders import a_batch, a_counts_table, a_value, store_batch
from tests.support.stores import store_at

WINDOW = ("2018-10-12 14:00:00", "2018-10-12 14:30:00")
AT_HALF = "2018-10-12T14:30:00.000"
REJECTED = {"topic": "calls", "partition": 0, "offset": 1, "reason": "crime_id is blank", "value": b"{}"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoreReader]:
    """Offsets 2 to 11: two micro-batches, each of five records, the second with a watermark."""
    database = store_at(tmp_path)
    writer = StoreWriter(database)
    writer.adopt_stream("query", {})
    row = {**REJECTED, "offset": 3}
    first = replace(a_batch(0, start=2, read=5, counted=3, duplicates=1, rejected=1), watermark=None)
    second = replace(a_batch(1, start=7, read=5, late=5), watermark=datetime(2018, 10, 12, 14))
    writer.write_batch(first, a_counts_table([(*WINDOW, "Traffic Stop", "Handled", 3)]), [row])
    writer.write_batch(second, a_counts_table([]), [])
    yield StoreReader(database)
    database.close()


def fate(store: StoreReader, offset: int, *alike: int, value: bytes | None = None, minutes: str = "14:20") -> Fate:
    """What became of the record at an offset, and other records with its id at others."""

    def traced(at: int) -> Traced:
        own = a_value(call_date_time=f"2018-10-12T{minutes}:00.000") if value is None else value
        return Traced(store, "calls", TopicRecord(0, at, 0, b"k", own))

    every = [traced(each) for each in (offset, *alike)]
    return fate_of(store, every[0], every)


@pytest.mark.parametrize(
    ("offset", "alike", "expected"),
    [
        (2, (), Fate(Outcome.COUNTED)),
        (2, (7,), Fate(Outcome.COUNTED, alike=2)),
        (2, (4, 7), Fate(Outcome.ONE_OF, alike=3)),
        (7, (2,), Fate(Outcome.DUPLICATE, alike=2, counted=(0, 2))),
        (7, (2, 4), Fate(Outcome.DUPLICATE, alike=3)),
        (3, (2,), Fate(Outcome.REJECTED, reason="crime_id is blank")),
        (2, (3,), Fate(Outcome.COUNTED)),  # what was rejected could not have been counted
        (2, (12,), Fate(Outcome.COUNTED)),  # nor what is not read yet
        (12, (), Fate(Outcome.NOT_READ)),
        (1, (), Fate(Outcome.BEFORE_START)),
    ],
)
def test_what_became_of_a_record(store: StoreReader, offset: int, alike: tuple[int, ...], expected: Fate) -> None:
    assert fate(store, offset, *alike) == expected


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ("14:01", Fate(Outcome.COUNTED)),
        ("14:00", Fate(Outcome.LATE, late_by=timedelta(0))),
        ("13:58", Fate(Outcome.LATE, late_by=timedelta(minutes=2))),
    ],
)
def test_late_is_at_or_before_the_watermark_of_its_micro_batch(
    store: StoreReader, minutes: str, expected: Fate
) -> None:
    assert fate(store, 8, minutes=minutes) == expected


def test_what_neither_was_rejected_nor_can_be_parsed_is_unknown(store: StoreReader) -> None:
    assert fate(store, 2, value=b"no JSON").outcome == Outcome.UNKNOWN
    assert fate(store, 2, value=b"{}").outcome == Outcome.UNKNOWN
    assert fate(store, 2, value=a_value(call_date_time="soon")).outcome == Outcome.UNKNOWN


def test_without_duplicates_every_accepted_record_counts(store: StoreReader) -> None:
    store.database.question = replace(QUESTION, drops_duplicates=False)

    assert fate(store, 7, 2, minutes="13:00") == Fate(Outcome.COUNTED)


def test_of_what_has_expired_it_is_said(tmp_path: Path) -> None:
    database = store_at(tmp_path)
    for _ in range(103):
        store_batch(database, late=1, retention=timedelta(0))
    try:
        assert fate(StoreReader(database), 0).outcome == Outcome.NO_LONGER_KEPT
    finally:
        database.close()


@pytest.mark.parametrize(
    ("fields", "window", "expected"),
    [
        ({}, "30 minutes", ("14:00", "14:30", ("Traffic Stop", "Handled"), 3, 3)),
        ({"disposition": " HAN\t"}, "30 minutes", ("14:00", "14:30", ("Traffic Stop", "Handled"), 3, 3)),
        ({"disposition": "CAN"}, "30 minutes", ("14:00", "14:30", ("Traffic Stop", "Cancel"), None, 3)),
        ({"call_date_time": AT_HALF}, "30 minutes", ("14:30", "15:00", ("Traffic Stop", "Handled"), None, 0)),
        ({}, "5 hours", ("11:00", "16:00", ("Traffic Stop", "Handled"), None, 0)),
    ],
)  # fmt: skip
def test_which_counts_it_was_added_to(store: StoreReader, fields: dict[str, Any], window: str, expected: Any) -> None:
    found = in_store(store, Traced(store, "calls", TopicRecord(0, 2, 0, None, a_value(**fields))), window)

    assert found is not None
    calls = None if found.row is None else found.row["calls"]
    assert (
        f"{found.window_start:%H:%M}",
        f"{found.window_end:%H:%M}",
        found.groups,
        calls,
        found.window_total,
    ) == expected


def test_a_question_without_plain_groups_says_only_the_window(store: StoreReader) -> None:
    store.database.question = replace(QUESTION, groups_of=None)

    found = in_store(store, Traced(store, "calls", TopicRecord(0, 2, 0, None, a_value())), "30 minutes")

    assert found is not None
    assert (found.groups, found.row, found.window_total) == (None, None, 3)
