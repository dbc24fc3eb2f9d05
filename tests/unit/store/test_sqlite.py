"""What SQLite's driver is given."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import event

from sf_police.calls import QUESTION
from sf_police.errors import SfPoliceError, UsageError
from sf_police.store import sqlite
from sf_police.store.answers import StoreReader
from sf_police.store.database import Database, open_database
from sf_police.store.writer import StoreWriter
from tests.support.builders import a_batch, a_counts_table, store_batch
from tests.support.question import resolve


def test_a_folder_whose_name_is_no_text_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe"))
    folder.mkdir()
    monkeypatch.chdir(folder)

    with pytest.raises(UsageError, match="is not UTF-8 text") as error:
        open_database(resolve({}).store, QUESTION)
    str(error.value).encode()
    assert list(folder.iterdir()) == []


def test_times_are_wall_clock_text() -> None:
    times = [datetime(2018, 12, 31, hour % 24, tzinfo=UTC) for hour in range(0, 24 * 7 * 500, 7)]

    texts = sqlite.driver_times(pa.chunked_array([pa.array(times, pa.timestamp("us", tz="UTC"))]))

    assert texts.to_pylist() == [f"2018-12-31 {time.hour:02}:00:00" for time in times]


def test_rows_come_in_the_order_of_their_windows(tmp_path: Path) -> None:
    hours = [hour % 24 for hour in range(0, 24 * 7 * 500, 7)]
    given = [
        (f"2018-12-31 {hour:02}:00:00", f"2018-12-31 {hour:02}:30:00", f"type {number}", "Handled", hour)
        for number, hour in enumerate(hours)
    ]
    database = open_database(f"sqlite:///{tmp_path / 'answers.db'}", QUESTION)
    database.create()
    values: list[Any] = []
    with database.transaction() as connection:
        event.listen(
            connection, "before_cursor_execute",
            lambda _c, _cursor, _statement, rows, *_: values.extend(chain.from_iterable(rows)),
        )  # fmt: skip
        sqlite.add_counts(connection, database.tables.counts, a_counts_table(given), ["calls"])
    rows = list(zip(*[iter(values)] * 5, strict=True))

    assert sorted(rows) == sorted(given)
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)


def test_no_counts_are_no_rows(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'answers.db'}", QUESTION)
    database.create()

    store_batch(database)

    assert database.rows(database.tables.counts.select()) == []


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder that all may read, and a process that may not write there, even if root runs the tests."""
    folder = Path(tempfile.mkdtemp(prefix="sf-police-read-only-"))
    url = f"sqlite:///{folder / 'answers.db'}"
    with closing(open_database(url, QUESTION)) as database:
        StoreWriter(database).adopt_stream("query", {})
    (folder / "answers.db").chmod(0o444)
    folder.chmod(0o555)
    own = os.geteuid()
    if own == 0:
        os.seteuid(65534)
    yield folder
    os.seteuid(own)
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_read_only_store_can_be_read_and_says_that_it_cannot_be_written(as_nobody: Path) -> None:
    path = as_nobody / "answers.db"
    with closing(open_database(f"sqlite:///{path}", QUESTION)) as database:
        assert StoreReader(database).stream() == ("query", {})
        with pytest.raises(SfPoliceError) as refused:
            StoreWriter(database).write_batch(a_batch(), a_counts_table([]), [])

    assert refused.value.what == f"the store at sqlite:///{path} is read-only"
    assert [entry.name for entry in as_nobody.iterdir()] == ["answers.db"]


def test_a_store_that_was_deleted_is_not_made_again_by_who_reads_it(tmp_path: Path) -> None:
    with closing(open_database(f"sqlite:///{tmp_path / 'answers.db'}", QUESTION)) as database:
        store_batch(database)
        with closing(open_database(f"sqlite:///{tmp_path / 'answers.db'}", QUESTION)) as other:
            other.drop()

        for _ in range(2):
            with pytest.raises(SfPoliceError, match="was deleted or replaced while it was in use"):
                StoreReader(database).last_batches(1)
        assert list(tmp_path.iterdir()) == []

        store_batch(database)
        assert len(StoreReader(database).last_batches(2)) == 1


@pytest.mark.parametrize("name", ["a b.db", "50%25 %41.db", "é ü.db", "why?mode=ro.db", "#1.db", "a:b.db", "&x=y.db"])
def test_a_files_name_is_no_part_of_an_address(tmp_path: Path, name: str) -> None:
    with closing(open_database(f"sqlite:///{tmp_path}/answers.db", QUESTION)) as database:
        url = database._engine.url.set(database=f"/{tmp_path / name}")  # with two slashes at its start

    with closing(Database(sqlite.engine(url), sqlite, QUESTION, "sf_police")) as database:
        store_batch(database)
        assert len(StoreReader(database).last_batches(1)) == 1

    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_place_that_takes_no_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "answers.db"
    path.symlink_to(tmp_path / "none" / "answers.db")

    with pytest.raises(SfPoliceError, match=f"cannot create the store {path}: No such file or directory"):
        store_batch(open_database(f"sqlite:///{path}", QUESTION))
