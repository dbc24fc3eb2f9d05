"""The store: counts are added once, in one transaction; the books, and what it remembers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from sf_police import __version__
from sf_police.calls import QUESTION
from sf_police.errors import SfPoliceError, UnbalancedBatchError, UsageError
from sf_police.store import copying, digest
from sf_police.store.answers import StoreReader
from sf_police.store.database import Database, existing_database, open_database
from sf_police.store.digest import MODULUS, digest_of_rows
from sf_police.store.integrity import counts_rows
from sf_police.store.writer import StoreWriter
from tests.support.builders import a_batch, a_counts_table, store_batch

# Ten calls in two windows.
COUNTS = [
    ("2018-10-12 14:00:00", "2018-10-12 14:30:00", "Traffic Stop", "Handled", 6),
    ("2018-10-12 14:00:00", "2018-10-12 14:30:00", "Passing Call", "Handled", 1),
    ("2018-10-12 14:30:00", "2018-10-12 15:00:00", "Traffic Stop", "Not recorded", 3),
]


def rejected(offset: int) -> dict[str, Any]:
    return {"topic": "calls", "partition": 0, "offset": offset, "reason": "not UTF-8", "value": b"\xff\x00"}


@pytest.fixture
def writer(database: Database) -> StoreWriter:
    writer = StoreWriter(database)
    writer.adopt_stream("query", {"window": "30 minutes"})
    return writer


def test_counts_are_added(database: Database, reader: StoreReader) -> None:
    store_batch(database, COUNTS)
    store_batch(database, [(*COUNTS[0][:-1], 7), ("2018-10-12 15:00", "2018-10-12 15:30", "Fire", "Handled", 1)])

    assert [row["calls"] for row in reader.window_counts(datetime(2018, 10, 12, 14))] == [13, 1]
    assert [row["calls"] for row in reader.window_counts(datetime(2018, 10, 12, 15))] == [1]
    assert reader.books().is_balanced


def test_a_replayed_batch_changes_nothing(database: Database, writer: StoreWriter, reader: StoreReader) -> None:
    batch = store_batch(database, COUNTS, [rejected(3)])
    before = (reader.all_counts(), reader.last_batches(5))
    # Of duplicates with different contents it may count another one, and it takes its own time.
    again = replace(batch, seconds=9.9, lag=None, state_rows=None)
    other = [("2018-10-12 14:00:00", "2018-10-12 14:30:00", "Another", "Handled", 10)]

    writer.write_batch(again, a_counts_table(other), [rejected(3)])

    assert (reader.all_counts(), reader.last_batches(5)) == before
    assert reader.books().is_balanced


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"end_offsets": {"0": 12}}, 'end_offsets {"0": 11}, now {"0": 12}'),
        ({"late": 1}, "late 0, now 1"),
        ({"duplicates": 2}, "duplicates 0, now 2"),
        ({"counted": 9}, "counted 10, now 9"),
        ({"watermark": datetime(2018, 10, 12, 14, 0, 0, 1000)}, "watermark 2018-10-12 14:00:00, now 2018-10-12 14:00"),
    ],
)
def test_a_replay_that_differs_names_the_version_that_stored_the_batch(
    database: Database, writer: StoreWriter, reader: StoreReader, change: dict[str, Any], said: str
) -> None:
    batch = store_batch(database, COUNTS, [rejected(3)])
    with database.transaction() as connection:
        connection.execute(database.tables.batches.update().values(version="0.9"))

    with pytest.raises(SfPoliceError) as refused:
        writer.write_batch(replace(batch, **change), a_counts_table(COUNTS), [rejected(3)])

    assert refused.value.what.startswith(
        f"batch 0 was stored by version 0.9 of this program, and version {__version__} makes something else of it"
    )
    assert said in refused.value.what
    assert refused.value.remedy.startswith("let the version that stored it finish the batch")
    assert reader.books().stored_counted == 10


@pytest.mark.parametrize(
    "change",
    [{"batch_id": 2}, {"start_offsets": {"0": 11}}, {"start_offsets": {}}],
    ids=["one is left out", "another start", "a partition is gone"],
)
def test_a_batch_that_does_not_follow_the_last_is_refused(
    database: Database, writer: StoreWriter, reader: StoreReader, change: dict[str, Any]
) -> None:
    store_batch(database, COUNTS)
    batch = replace(a_batch(1, start=10, read=10, counted=10), **change)

    with pytest.raises(SfPoliceError, match=r"at batch 0, which batch \d does not follow"):
        writer.write_batch(batch, a_counts_table(COUNTS), [])

    assert (reader.books().stored_counted, len(reader.last_batches(5))) == (10, 1)


def test_an_added_partition_starts_where_it_starts(database: Database, writer: StoreWriter) -> None:
    store_batch(database, late=5)
    more = replace(a_batch(1), start_offsets={"0": 5, "1": 7}, end_offsets={"0": 5, "1": 9}, read=2, late=2)

    writer.write_batch(more, a_counts_table([]), [])

    assert StoreReader(database).books().read == 7


def test_a_first_batch_is_batch_0(writer: StoreWriter) -> None:
    with pytest.raises(SfPoliceError, match="at batch none, which batch 3 does not follow"):
        writer.write_batch(a_batch(3), a_counts_table([]), [])


@pytest.mark.parametrize("counted", [9, 11, 20])
def test_counts_that_do_not_add_up_to_the_metrics_are_not_stored(
    writer: StoreWriter, reader: StoreReader, counted: int
) -> None:
    with pytest.raises(UnbalancedBatchError, match=f"Spark says that {counted} records were counted, .* add up to 10"):
        writer.write_batch(a_batch(read=20, counted=counted), a_counts_table(COUNTS), [])

    assert reader.is_empty()
    assert reader.books().stored_counted == 0


def test_a_batch_says_when_and_by_what_it_was_stored(database: Database, reader: StoreReader) -> None:
    before = datetime.now(UTC).replace(tzinfo=None)
    store_batch(database, COUNTS)

    [batch] = reader.last_batches(1)

    assert batch.version == __version__
    assert batch.committed_at is not None
    assert before <= batch.committed_at <= datetime.now(UTC).replace(tzinfo=None)
    with database.transaction() as connection:
        assert batch.digest == digest_of_rows(counts_rows(connection, database), ["calls"]) != 0


@pytest.mark.parametrize("number", [49, 50, 499, 500, 5_049, 5_051])
def test_as_many_counts_are_stored_as_are_given(
    database: Database, reader: StoreReader, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (copying, digest):
        monkeypatch.setattr(module, "_ROWS_AT_ONCE", 1_000)
    start, end = "2018-10-12 14:00:00", "2018-10-12 14:30:00"
    for calls in (1, 2):
        store_batch(database, [(start, end, f"type {n:04}", "Handled", calls * n) for n in range(number)])

    rows = reader.window_counts(datetime.fromisoformat(start))
    assert [(row["crime_type"], row["calls"]) for row in rows] == [
        (f"type {n:04}", 3 * n) for n in reversed(range(number))
    ]


TEXTS = [
    "", " ", ",", '"', '""', "'", "\\", "\\.", "a\\.", "\n", "\r", "\r\n\\.\n", "\t", "\\N", "NULL", "null",
    "\ufeff", "\u00a0", "é", "e\u0301", "漢字", "😀", "%s", "%(x)s", "{}", "$1", ";--", "\x01", "\x7f", "\u2028",
    "a" * 1_000,
]  # fmt: skip


@pytest.mark.parametrize("times", [1, 30], ids=["few", "many"])
def test_any_text_is_stored_as_it_is(database: Database, reader: StoreReader, times: int) -> None:
    start, end = "2018-10-12 14:00:00", "2018-10-12 14:30:00"
    texts = [text * repeated or f"{repeated}" for text in TEXTS for repeated in range(times)]
    counts = [(start, end, text, other, 1) for text in set(texts) for other in {text, "x"}]

    for _ in range(2):
        store_batch(database, counts)

    stored = [(row["crime_type"], row["resolution"], row["calls"]) for row in reader.all_counts()]
    assert sorted(stored) == sorted((text, other, 2) for _, _, text, other, _ in counts)
    with database.transaction() as connection:
        digests = sum(batch.digest for batch in reader.last_batches(2))
        assert digest_of_rows(counts_rows(connection, database), ["calls"]) == digests % MODULUS


@pytest.mark.parametrize("number", [499, 500, 5_001])
def test_rejected_records_keep_their_bytes_however_many_they_are(
    database: Database, reader: StoreReader, number: int
) -> None:
    values = [None, b"", b"\x00", b"\\x00", bytes(range(256)), b"\\N", "é".encode()]
    rows = [
        {"topic": "calls", "partition": n % 3, "offset": 2**40 + n, "reason": f'"{n}"\n', "value": values[n % 7]}
        for n in range(number)
    ]

    store_batch(database, rejected=iter(rows))

    stored = sorted(reader.rejected(number + 1), key=lambda row: row["offset"])
    assert stored == rows
    assert reader.books().is_balanced


def test_a_rejected_record_keeps_its_bytes(database: Database, reader: StoreReader) -> None:
    rows = [rejected(1), {**rejected(2), "value": None}]
    store_batch(database, rejected=rows)

    assert reader.rejected(10) == rows


def test_rejected_records_are_found_by_their_reason(database: Database, reader: StoreReader) -> None:
    rows = [{**rejected(offset), "reason": reason} for offset, reason in enumerate("babcab")]
    store_batch(database, rejected=rows)

    assert reader.rejected_reasons() == [
        {"reason": "b", "records": 3}, {"reason": "a", "records": 2}, {"reason": "c", "records": 1},
    ]  # fmt: skip
    assert reader.rejected_samples("b", 2) == [rows[0], rows[2]]
    assert reader.rejected_samples("x", 2) == []


def test_a_batch_that_finds_fewer_rejected_records_is_not_written(writer: StoreWriter, reader: StoreReader) -> None:
    with pytest.raises(UnbalancedBatchError, match="2 records were rejected, but 1 were found"):
        writer.write_batch(a_batch(read=12, counted=10, rejected=2), a_counts_table(COUNTS), [rejected(1)])

    assert reader.is_empty()
    assert reader.books().stored_counted == 0


@pytest.mark.parametrize(("read", "is_balanced"), [(17, True), (18, False), (16, False)])
def test_the_books_balance_to_the_last_record(
    database: Database, reader: StoreReader, read: int, is_balanced: bool
) -> None:
    store_batch(database, COUNTS, [rejected(1)], read=read, duplicates=4, late=2)

    assert reader.books().is_balanced is is_balanced


def test_books_whose_counts_hold_another_number_do_not_balance(database: Database, reader: StoreReader) -> None:
    store_batch(database, COUNTS)
    with database.transaction() as connection:
        connection.execute(database.tables.counts.update().where(database.tables.counts.c.calls == 6).values(calls=7))

    assert not reader.books().is_balanced


def test_the_books_are_of_one_moment(database: Database, reader: StoreReader) -> None:
    store_batch(database, COUNTS)
    statements: list[str] = []
    with reader.database.transaction() as connection:
        engine = connection.engine
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: statements.append(statement))

    assert reader.books().is_balanced

    assert len([statement for statement in statements if "SELECT" in statement and "batches" in statement]) == 1
    assert len([statement for statement in statements if "counts" in statement]) == 1


def test_offsets_without_a_record_are_reported_apart(database: Database, reader: StoreReader) -> None:
    store_batch(database, COUNTS)
    store_batch(database)
    store_batch(database, offsets=3)

    assert (reader.books().gaps, reader.books().is_balanced) == (3, True)


def test_the_store_remembers_its_stream(writer: StoreWriter, reader: StoreReader) -> None:
    assert reader.stream() == ("query", {"window": "30 minutes"})
    writer.adopt_stream("two", {"window": "1 hour"})

    assert reader.stream() == ("two", {"window": "1 hour"})


def test_last_batches_are_read_as_they_were_written(database: Database, reader: StoreReader) -> None:
    batches = [store_batch(database, COUNTS), store_batch(database, late=3)]

    read = reader.last_batches(5)

    as_written = [replace(each, digest=0, version="", committed_at=None) for each in read]
    assert as_written == batches[::-1]


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
