"""The digest of the counts: the same by Spark and by Python, and what it sees that sums do not."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from sqlalchemy import text

from examples import taxi_rides
from sf_police.calls import QUESTION
from sf_police.store import integrity, sqlite
from sf_police.store.answers import StoreReader
from sf_police.store.database import Database, open_database
from sf_police.store.digest import MODULUS, digest_of_rows, digest_of_table, hash_column
from sf_police.store.integrity import Checked, check_counts
from sf_police.stream.transformations import with_hashes
from tests.support.builders import store_batch

FOURTEEN = datetime(2018, 10, 12, 14)
HALF_HOUR = timedelta(minutes=30)
COUNTS = [
    ("2018-10-12 13:00:00", "2018-10-12 13:30:00", "Fire", "Handled", 2),
    ("2018-10-12 13:30:00", "2018-10-12 14:00:00", "Traffic Stop", "Handled", 6),
    ("2018-10-12 13:30:00", "2018-10-12 14:00:00", "Passing Call", "Handled", 1),
    ("2018-10-12 14:00:00", "2018-10-12 14:30:00", "Traffic Stop", "Not recorded", 3),
]  # the watermark of a stored batch is 14:00


@pytest.fixture
def stored(database: Database) -> Database:
    store_batch(database, COUNTS[:3])
    store_batch(database, [COUNTS[1], COUNTS[3]])
    return database


def alter(database: Database, statement: str) -> None:
    with database.transaction() as connection:
        connection.execute(text(statement))


def test_spark_and_python_compute_the_same_digest(spark: SparkSession) -> None:
    texts = ["Traffic Stop", "", " ", "Ünïcödé 😀", "a 3 b", "x" * 1000]
    rows = [(FOURTEEN + n * HALF_HOUR, FOURTEEN + (n + 1) * HALF_HOUR, t, t[::-1], n + 1) for n, t in enumerate(texts)]
    columns = "window_start timestamp, window_end timestamp, crime_type string, resolution string, calls bigint"

    table = spark.createDataFrame(rows, columns).transform(with_hashes, question=QUESTION).toArrow()

    assert digest_of_table(table, ["calls"]) == digest_of_rows(
        [(start, end, groups, [calls]) for start, end, *groups, calls in rows], ["calls"]
    )


@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**32 - 1)), max_size=50))
def test_the_digest_of_a_table_is_exact(rows: list[tuple[int, int]]) -> None:
    values, hashes = ([row[place] for row in rows] for place in (0, 1))
    table = pa.table({"n": pa.array(values, pa.int64()), hash_column("n"): pa.array(hashes, pa.int64())})

    assert digest_of_table(table, ["n"]) == sum(value * hashed for value, hashed in rows) % MODULUS


def test_counts_as_the_batches_added_them_are_sound(stored: Database) -> None:
    # Windows that end by the watermark are final.
    assert check_counts(stored, Checked()) == Checked("2018-10-12 14:00:00", digest=a_digest(stored, "13:"))


def a_digest(database: Database, hour: str) -> int:
    counts: dict[Any, int] = {}
    for row in [*COUNTS[:3], COUNTS[1], COUNTS[3]]:
        if f" {hour}" in row[0]:
            key = (datetime.fromisoformat(row[0]), datetime.fromisoformat(row[1]), row[2:4])
            counts[key] = counts.get(key, 0) + row[4]
    return digest_of_rows([(*key, [calls]) for key, calls in counts.items()], database.question.added_columns)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE counts SET crime_type = 'Traffic Stoq' WHERE resolution = 'Not recorded'",
        "UPDATE counts SET crime_type = resolution, resolution = crime_type WHERE crime_type = 'Fire'",
        "UPDATE counts SET calls = 3 - calls WHERE crime_type IN ('Fire', 'Passing Call')",
        "UPDATE counts SET window_end = '2018-10-12 13:31:00' WHERE crime_type = 'Fire'",
        "UPDATE batches SET digest = digest + 1 WHERE batch_id = 1",
    ],
    ids=["a letter", "groups swapped", "two counts with an equal sum", "a window", "a batch"],
)
def test_what_sums_do_not_see_is_seen(stored: Database, statement: str) -> None:
    alter(stored, statement)

    assert check_counts(stored, Checked()) is None


def test_of_too_many_counts_the_windows_since_the_last_check_are_checked(stored: Database) -> None:
    last = check_counts(stored, Checked())
    assert last is not None
    store_batch(stored, [COUNTS[3], (*COUNTS[3][:2], "Fire", "Handled", 4)])

    assert check_counts(stored, last, most_rows=2) == last

    alter(stored, "UPDATE counts SET calls = 9 WHERE crime_type = 'Fire' AND calls = 4")
    assert check_counts(stored, last, most_rows=2) is None


def test_however_much_there_is_a_start_reads_no_more_than_its_bounds(
    stored: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, last = StoreReader(stored), Checked("2018-10-12 14:00:00", digest=3)
    assert integrity.is_balanced(reader)
    alter(stored, "UPDATE counts SET calls = calls + 1 WHERE crime_type = 'Fire'")
    assert not integrity.is_balanced(reader)
    monkeypatch.setattr(integrity, "MOST_ROWS", 3)
    assert integrity.is_balanced(reader)  # the digests differ, of what is read

    alter(stored, "UPDATE batches SET late = late + 1")
    assert not integrity.is_balanced(reader)
    monkeypatch.setattr(integrity, "MOST_BATCHES", 1)
    assert integrity.is_balanced(reader)
    said = "more than 1 micro-batches and their counts (RETENTION bounds them)"
    assert check_counts(stored, last) == replace(last, unchecked=said)


def test_more_rejected_records_than_a_start_counts_are_said_to_be_unchecked(
    stored: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = [{"topic": "a", "partition": 0, "offset": n, "reason": "bad", "value": None} for n in range(3)]
    store_batch(stored, rejected=bad)
    alter(stored, 'DELETE FROM rejected WHERE "offset" = 0')
    assert not integrity.is_balanced(StoreReader(stored))
    monkeypatch.setattr(integrity, "MOST_ROWS", 1)

    assert integrity.is_balanced(StoreReader(stored))
    found = check_counts(stored, Checked())
    assert found is not None
    assert found.unchecked == "more than 1 rejected records"


def test_a_large_files_structure_is_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "answers.db"
    with closing(open_database(f"sqlite:///{path}", QUESTION)) as database:
        store_batch(database, COUNTS)
        [found] = database.rows(text("SELECT rootpage FROM sqlite_master WHERE name = 'counts'"))
    with path.open("r+b") as file:
        file.seek((found["rootpage"] - 1) * 4096)
        file.write(b"\xff" * 4096)
    with closing(open_database(f"sqlite:///{path}", QUESTION)) as database:
        assert integrity.structure_error(database)
        monkeypatch.setattr(sqlite, "_LARGE_BYTES", 1_000)
        assert integrity.structure_error(database) is None


def test_what_was_too_much_is_kept_with_the_settings() -> None:
    checked = Checked("2018-10-12 14:00:00", 5, "more than 3 counts")

    assert Checked.from_settings(checked.to_settings({"window": "1 hour"})) == checked


def test_a_check_goes_on_from_the_last_one(stored: Database) -> None:
    first = check_counts(stored, Checked())
    assert first is not None
    alter(stored, "UPDATE batches SET watermark = '2018-10-12 14:30:00' WHERE batch_id = 1")

    second = check_counts(stored, first, most_rows=1)

    assert second == Checked("2018-10-12 14:30:00", digest=(first.digest + a_digest(stored, "14:")) % MODULUS)
    assert check_counts(stored, second, most_rows=0) == second


def test_more_counts_than_a_start_may_read_are_said_to_be_unchecked(stored: Database) -> None:
    assert check_counts(stored, Checked(), most_rows=3) == Checked(unchecked="more than 3 counts")


def test_without_a_watermark_no_window_is_final(stored: Database) -> None:
    alter(stored, "UPDATE batches SET watermark = NULL")

    assert check_counts(stored, Checked()) == Checked()


def test_every_added_column_has_a_hash_of_its_own() -> None:
    row = (FOURTEEN, FOURTEEN + HALF_HOUR, ["Harbor", "Card"])
    columns = taxi_rides.QUESTION.added_columns
    assert columns == ("rides", "fare")

    assert digest_of_rows([(*row, [5, 7])], columns) != digest_of_rows([(*row, [7, 5])], columns)
