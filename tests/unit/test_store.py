"""The store: upserts, one transaction, the books; and one answer from SQLite, PostgreSQL and Spark."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession

from sf_police.errors import SfPoliceError, UsageError
from sf_police.store.tables import Batch
from sf_police.store.views import queries
from sf_police.store.writer import Store, existing_store, open_store
from tests.support.fixtures import read_csv

USUAL = "usual_resolution string, usual_resolution_calls bigint"
ANSWERS_SCHEMA = {
    "window_answers": f"window_start timestamp, window_end timestamp, calls bigint, crime_types bigint, {USUAL}",
    "crime_type_answers": f"crime_type string, calls bigint, windows bigint, {USUAL}",
    "overall_answer": f"calls bigint, windows bigint, crime_types bigint, {USUAL}",
}
OVERALL = [{"calls": 10, "windows": 4, "crime_types": 5, "usual_resolution": "Cancel", "usual_resolution_calls": 2}]


def typed(rows: list[dict[str, str]]) -> list[dict[str, Any]]:
    def value(name: str, text: str) -> Any:
        if name.startswith("window_"):
            return datetime.fromisoformat(text)
        if text == "":
            return None
        return int(text) if text.isdigit() and name != "crime_type" else text

    return [{name: value(name, text) for name, text in row.items()} for row in rows]


def counts_rows(**changed: Any) -> list[tuple[Any, ...]]:
    return [tuple({**row, "calls": int(row["calls"]), **changed}.values()) for row in read_csv("counts.csv")]


def a_batch(batch_id: int = 0, **values: Any) -> Batch:
    numbers = {"read": 0, "counted": 0, "duplicates": 0, "late": 0, "rejected": 0, **values}
    start, end = {"0": 10 * batch_id}, {"0": 10 * batch_id + numbers["read"]}
    return Batch("query", batch_id, start, end, **numbers, watermark=datetime(2018, 10, 12, 14), seconds=0.5)


def rejected(offset: int) -> dict[str, Any]:
    return {"topic": "calls", "partition": 0, "offset": offset, "reason": "not UTF-8", "value": b"\xff\x00"}


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a PostgreSQL of our own on loopback; skips where Debian's or the PATH's server programs are missing."""
    found = [Path(p).parent for p in [shutil.which("initdb")] if p] + sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found:
        pytest.skip("no PostgreSQL server programs (initdb) on this machine")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = tmp_path_factory.mktemp("postgresql")
    as_user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        as_user = ["runuser", "-u", "postgres", "--"]
        for folder in (data, *list(data.parents)[:-2]):
            folder.chmod(0o755)
        shutil.chown(data, "postgres")
    run = {"check": True, "stdout": subprocess.DEVNULL, "cwd": "/"}
    subprocess.run(
        [*as_user, found[-1] / "initdb", "-D", data / "db", "-U", "tester", "-A", "trust", "-E", "UTF8"], **run
    )
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
    control = [*as_user, found[-1] / "pg_ctl", "-D", data / "db", "-w", "-l", data / "log"]
    subprocess.run([*control, "-o", options, "start"], **run)
    yield f"postgresql+psycopg://tester@127.0.0.1:{port}/postgres"
    subprocess.run([*control, "-m", "immediate", "stop"], **run)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = (
        f"sqlite:///{tmp_path / 'a folder' / 'answers.db'}"
        if request.param == "sqlite"
        else request.getfixturevalue("postgresql")
    )
    store = open_store(url)
    store.create_tables()
    yield store
    store.drop_tables()
    store.close()


@pytest.mark.parametrize("view", ["window_answers", "crime_type_answers", "overall_answer"])
def test_the_stores_views_answer_what_was_computed_by_hand(store: Store, view: str) -> None:
    store.write_batch(a_batch(), counts_rows(), [])
    expected = OVERALL if view == "overall_answer" else typed(read_csv(f"{view}.csv"))

    assert store.answers(view, order_by="1") == expected


@pytest.mark.parametrize("view", ["window_answers", "crime_type_answers", "overall_answer"])
def test_spark_answers_the_same_from_the_same_text(spark: SparkSession, view: str) -> None:
    counts = typed(read_csv("counts.csv"))
    schema = "window_start timestamp, window_end timestamp, crime_type string, resolution string, calls bigint"
    spark.createDataFrame([tuple(row.values()) for row in counts], schema).createOrReplaceTempView("counts")
    expected = OVERALL if view == "overall_answer" else typed(read_csv(f"{view}.csv"))

    actual_df = spark.sql(queries()[view])

    expected_df = spark.createDataFrame([tuple(row.values()) for row in expected], ANSWERS_SCHEMA[view])
    assert_df_equality(actual_df, expected_df, ignore_row_order=True, ignore_nullable=True)


def test_ties_go_by_byte_order(store: Store) -> None:
    window = ("2018-10-12 14:00:00", "2018-10-12 14:30:00")
    rows = [(*window, "a", resolution, 1) for resolution in ("abated", "Zero", "Ärger", "Not recorded")]

    store.write_batch(a_batch(), rows, [])

    assert [row["usual_resolution"] for row in store.answers("window_answers", order_by="1")] == ["Zero"]


def test_a_replayed_batch_overwrites_its_own_rows(store: Store) -> None:
    for _ in range(2):
        store.write_batch(a_batch(read=11, counted=10, rejected=1), counts_rows(), [rejected(3)])

    books = store.books()
    assert (books.read, books.counted, books.stored_calls, books.stored_rejected) == (11, 10, 10, 1)
    assert books.is_balanced


def test_counts_are_absolute(store: Store) -> None:
    counts = typed(read_csv("counts.csv"))
    store.write_batch(a_batch(), counts_rows(), [])
    store.write_batch(a_batch(1), counts_rows(calls=7)[:1], [])

    assert store.window_counts(counts[0]["window_start"])[0]["calls"] == 7


@pytest.mark.parametrize("number", [49, 50, 5_049, 5_051])
def test_as_many_counts_are_stored_as_are_given(store: Store, number: int) -> None:
    start, end = "2018-10-12 14:00:00", "2018-10-12 14:30:00"
    for calls in (1, 2):
        store.write_batch(a_batch(), ((start, end, f"type {n:04}", "Handled", calls * n) for n in range(number)), [])

    rows = store.window_counts(datetime.fromisoformat(start))
    assert [(row["crime_type"], row["calls"]) for row in rows] == [
        (f"type {n:04}", 2 * n) for n in reversed(range(number))
    ]


def test_a_rejected_record_keeps_its_bytes(store: Store) -> None:
    rows = [rejected(1), {**rejected(2), "value": None}]
    store.write_batch(a_batch(read=2, rejected=2), [], rows)

    assert store.rejected(10) == rows


def test_a_batch_that_finds_fewer_rejected_records_is_not_written(store: Store) -> None:
    with pytest.raises(SfPoliceError, match="2 records were rejected, but 1 found"):
        store.write_batch(a_batch(read=2, rejected=2), counts_rows(), [rejected(1)])

    assert store.is_empty()
    assert store.books().stored_calls == 0


@pytest.mark.parametrize(
    ("batch", "is_balanced"),
    [
        ({"read": 17, "counted": 10, "duplicates": 4, "late": 2, "rejected": 1}, True),
        ({"read": 18, "counted": 10, "duplicates": 4, "late": 2, "rejected": 1}, False),
        ({"read": 17, "counted": 9, "duplicates": 5, "late": 2, "rejected": 1}, False),
    ],
    ids=["balanced", "a record is missing", "the counts hold another number"],
)
def test_the_books_balance_to_the_last_record(store: Store, batch: dict[str, int], is_balanced: bool) -> None:
    store.write_batch(a_batch(**batch), counts_rows(), [rejected(1)])

    assert store.books().is_balanced is is_balanced


def test_offsets_without_a_record_are_reported_apart(store: Store) -> None:
    store.write_batch(a_batch(read=10, counted=10), counts_rows(), [])
    store.write_batch(a_batch(1, read=0), [], [])
    gap = Batch("query", 2, {"0": 10}, {"0": 13}, 0, 0, 0, 0, 0, None, 0.1)
    store.write_batch(gap, [], [])

    assert (store.books().gaps, store.books().is_balanced) == (3, True)


def test_the_store_remembers_its_stream(store: Store) -> None:
    assert store.stream() is None
    store.adopt_stream("one", {"window": "30 minutes"})
    store.adopt_stream("two", {"window": "1 hour"})

    assert store.stream() == ("two", {"window": "1 hour"})


def test_last_batches_are_read_as_they_were_written(store: Store) -> None:
    batches = [a_batch(0, read=10, counted=10), a_batch(1, read=3, late=3)]
    for batch in batches:
        store.write_batch(batch, [], [])

    assert store.last_batches(5) == batches[::-1]


@pytest.mark.parametrize("url", ["answers.db", "mysql://localhost/x", "sqlite://", "nonsense://x"])
def test_a_url_that_is_no_store_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match="STORE"):
        open_store(url)


def test_reading_a_store_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SfPoliceError, match="no store at .*make run-stream"):
        existing_store(f"sqlite:///{tmp_path / 'none.db'}")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("not a database, but long enough to look at" * 100)

    with pytest.raises(SfPoliceError, match=r"text\.db: file is not a database"):
        open_store(f"sqlite:///{path}").create_tables()
