"""The store: upserts, one transaction, the books, and what it remembers."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from sf_police.calls import QUESTION
from sf_police.errors import SfPoliceError, UsageError
from sf_police.store.answers import StoreReader
from sf_police.store.database import existing_database, open_database
from sf_police.store.tables import Batch
from sf_police.store.writer import StoreWriter
from tests.support.builders import a_batch, a_counts_table

# Ten calls in two windows.
COUNTS = [
    ("2018-10-12 14:00:00", "2018-10-12 14:30:00", "Traffic Stop", "Handled", 6),
    ("2018-10-12 14:00:00", "2018-10-12 14:30:00", "Passing Call", "Handled", 1),
    ("2018-10-12 14:30:00", "2018-10-12 15:00:00", "Traffic Stop", "Not recorded", 3),
]


def rejected(offset: int) -> dict[str, Any]:
    return {"topic": "calls", "partition": 0, "offset": offset, "reason": "not UTF-8", "value": b"\xff\x00"}


def test_a_replayed_batch_overwrites_its_own_rows(writer: StoreWriter, reader: StoreReader) -> None:
    for _ in range(2):
        writer.write_batch(a_batch(read=11, counted=10, rejected=1), a_counts_table(COUNTS), [rejected(3)])

    books = reader.books()
    assert (books.read, books.counted, books.stored_counted, books.stored_rejected) == (11, 10, 10, 1)
    assert books.is_balanced


def test_counts_are_absolute(writer: StoreWriter, reader: StoreReader) -> None:
    writer.write_batch(a_batch(), a_counts_table(COUNTS), [])
    writer.write_batch(a_batch(1), a_counts_table([(*COUNTS[0][:-1], 7)]), [])

    assert reader.window_counts(datetime(2018, 10, 12, 14))[0]["calls"] == 7


@pytest.mark.parametrize("number", [49, 50, 5_049, 5_051])
def test_as_many_counts_are_stored_as_are_given(writer: StoreWriter, reader: StoreReader, number: int) -> None:
    start, end = "2018-10-12 14:00:00", "2018-10-12 14:30:00"
    for calls in (1, 2):
        rows = [(start, end, f"type {n:04}", "Handled", calls * n) for n in range(number)]
        writer.write_batch(a_batch(), a_counts_table(rows), [])

    rows = reader.window_counts(datetime.fromisoformat(start))
    assert [(row["crime_type"], row["calls"]) for row in rows] == [
        (f"type {n:04}", 2 * n) for n in reversed(range(number))
    ]


def test_a_rejected_record_keeps_its_bytes(writer: StoreWriter, reader: StoreReader) -> None:
    rows = [rejected(1), {**rejected(2), "value": None}]
    writer.write_batch(a_batch(read=2, rejected=2), a_counts_table([]), rows)

    assert reader.rejected(10) == rows


def test_rejected_records_are_found_by_their_reason(writer: StoreWriter, reader: StoreReader) -> None:
    rows = [{**rejected(offset), "reason": reason} for offset, reason in enumerate("babcab")]
    writer.write_batch(a_batch(read=6, rejected=6), a_counts_table([]), rows)

    assert reader.rejected_reasons() == [
        {"reason": "b", "records": 3}, {"reason": "a", "records": 2}, {"reason": "c", "records": 1},
    ]  # fmt: skip
    assert reader.rejected_samples("b", 2) == [rows[0], rows[2]]
    assert reader.rejected_samples("x", 2) == []


def test_a_batch_that_finds_fewer_rejected_records_is_not_written(writer: StoreWriter, reader: StoreReader) -> None:
    with pytest.raises(SfPoliceError, match="2 records were rejected, but 1 were found"):
        writer.write_batch(a_batch(read=2, rejected=2), a_counts_table(COUNTS), [rejected(1)])

    assert reader.is_empty()
    assert reader.books().stored_counted == 0


@pytest.mark.parametrize(
    ("batch", "is_balanced"),
    [
        ({"read": 17, "counted": 10, "duplicates": 4, "late": 2, "rejected": 1}, True),
        ({"read": 18, "counted": 10, "duplicates": 4, "late": 2, "rejected": 1}, False),
        ({"read": 17, "counted": 9, "duplicates": 5, "late": 2, "rejected": 1}, False),
    ],
    ids=["balanced", "a record is missing", "the counts hold another number"],
)
def test_the_books_balance_to_the_last_record(
    writer: StoreWriter, reader: StoreReader, batch: dict[str, int], is_balanced: bool
) -> None:
    writer.write_batch(a_batch(**batch), a_counts_table(COUNTS), [rejected(1)])

    assert reader.books().is_balanced is is_balanced


def test_the_books_are_of_one_moment(writer: StoreWriter, reader: StoreReader) -> None:
    writer.write_batch(a_batch(read=10, counted=10), a_counts_table(COUNTS), [])
    statements: list[str] = []
    with reader.database.transaction() as connection:
        engine = connection.engine
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: statements.append(statement))

    assert reader.books().is_balanced

    assert len([statement for statement in statements if "SELECT" in statement and "batches" in statement]) == 1
    assert len([statement for statement in statements if "counts" in statement]) == 1


def test_offsets_without_a_record_are_reported_apart(writer: StoreWriter, reader: StoreReader) -> None:
    writer.write_batch(a_batch(read=10, counted=10), a_counts_table(COUNTS), [])
    writer.write_batch(a_batch(1, read=0), a_counts_table([]), [])
    gap = Batch("query", 2, {"0": 10}, {"0": 13}, 0, 0, 0, 0, 0, None, 0.1)
    writer.write_batch(gap, a_counts_table([]), [])

    assert (reader.books().gaps, reader.books().is_balanced) == (3, True)


def test_the_store_remembers_its_stream(writer: StoreWriter, reader: StoreReader) -> None:
    assert reader.stream() is None
    writer.adopt_stream("one", {"window": "30 minutes"})
    writer.adopt_stream("two", {"window": "1 hour"})

    assert reader.stream() == ("two", {"window": "1 hour"})


def test_last_batches_are_read_as_they_were_written(writer: StoreWriter, reader: StoreReader) -> None:
    batches = [a_batch(0, read=10, counted=10), a_batch(1, read=3, late=3)]
    for batch in batches:
        writer.write_batch(batch, a_counts_table([]), [])

    assert reader.last_batches(5) == batches[::-1]


@pytest.mark.parametrize("url", ["answers.db", "mysql://localhost/x", "sqlite://", "nonsense://x"])
def test_a_url_that_is_no_store_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match="STORE"):
        open_database(url, QUESTION)


def test_a_url_that_cannot_be_parsed_is_shown_without_its_password() -> None:
    with pytest.raises(UsageError, match=r"^STORE=postgresql://\*\*\*@h:x/db\?\*\*\*: expected sqlite:///FILE"):
        open_database("postgresql://ann:se?cr@et@h:x/db?password=secret", QUESTION)


def test_reading_a_store_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SfPoliceError, match="no store at .*make run-stream"):
        existing_database(f"sqlite:///{tmp_path / 'none.db'}", QUESTION)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("not a database, but long enough to look at" * 100)

    with pytest.raises(SfPoliceError, match=r"text\.db: file is not a database"):
        open_database(f"sqlite:///{path}", QUESTION).create()
