"""Micro-batches and rejected records that are no longer kept one by one: sums, books and checks stay as they were."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sf_police.errors import SfPoliceError
from sf_police.store import retention
from sf_police.store.answers import StoreReader
from sf_police.store.database import Database
from sf_police.store.integrity import Checked, check_counts
from sf_police.store.metrics import Totals, TotalsReader
from sf_police.store.tables import Batch, Books
from sf_police.store.writer import StoreWriter
from tests.support.builders import a_batch, a_counts_table

WINDOW = ("2018-10-12 14:00:00", "2018-10-12 14:30:00")
DAY = timedelta(days=1)
LONG_AGO = datetime.now(UTC).replace(tzinfo=None) - 10 * DAY


class Stream:
    """Writes micro-batches of two partitions; each counts, drops and rejects as its numbers say."""

    def __init__(self, database: Database, kept_for: timedelta | None = None) -> None:
        self.database, self.reader = database, StoreReader(database)
        self.writer = StoreWriter(database, kept_for)
        self.writer.adopt_stream("query", {})
        self.id, self.ends = 0, {"0": 5, "1": 0}

    def write(self, counted: int = 1, duplicates: int = 0, late: int = 0, rejected: int = 0) -> None:
        read = counted + duplicates + late + rejected
        start, end = self.ends, {"0": self.ends["0"] + read, "1": self.ends["1"] + rejected}
        batch = a_batch(self.id, read=read + rejected, counted=counted, duplicates=duplicates, late=late)
        batch = replace(batch, rejected=2 * rejected, start_offsets=start, end_offsets=end, seconds=0.1 * (self.id % 9))
        bad = [(number, start[str(number)] + i) for number in (0, 1) for i in range(rejected)]
        rows = [{"topic": "calls", "partition": p, "offset": o, "reason": "bad", "value": b"\0"} for p, o in bad]
        counts = [(*WINDOW, f"kind {self.id % 5}", "Handled", counted)] if counted else []
        self.writer.write_batch(batch, a_counts_table(counts), rows)
        self.id, self.ends = self.id + 1, end

    def age(self, batches: int) -> None:
        """Say that the first so many were stored long ago."""
        table = self.database.tables.batches
        with self.database.transaction() as connection:
            connection.execute(table.update().where(table.c.batch_id < batches).values(committed_at=LONG_AGO))

    def kept(self) -> list[int]:
        return sorted(batch.batch_id for batch in self.reader.last_batches(10**6))

    def counted_books(self) -> tuple[int, ...]:
        """The books, but for what they say of what is no longer kept."""
        return astuple(self.reader.books())[:8]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "ALWAYS_KEPT", 3)


@pytest.fixture
def stream(database: Database) -> Stream:
    return Stream(database, DAY)


def plain(totals: Totals) -> Any:
    books = Books(*astuple(totals.books)[:8])
    return replace(totals, books=books)


def test_without_a_retention_all_is_kept(database: Database) -> None:
    stream = Stream(database)
    for _ in range(6):
        stream.write()
        stream.age(6)

    assert stream.kept() == [0, 1, 2, 3, 4, 5]
    assert stream.reader.books().expired_batches == 0


def test_what_was_stored_long_ago_becomes_sums_but_the_newest_stay(stream: Stream) -> None:
    for number in range(6):
        stream.write(counted=number, duplicates=1, late=number % 2, rejected=1)
    stream.age(6)

    stream.write(rejected=1)

    assert stream.kept() == [4, 5, 6]
    books = stream.reader.books()
    assert books.is_balanced
    assert (books.read, books.counted, books.duplicates, books.late, books.rejected) == (
        6 + 15 + 3 + 14 + 1,
        16,
        6,
        3,
        14,
    )
    assert (books.expired_batches, books.expired_late, books.expired_rejected) == (4, 2, 8)
    assert books.offsets == books.read
    assert len(stream.reader.rejected(99)) == 6
    assert [batch.batch_id for batch in stream.reader.late_batches()] == [5]


def test_what_is_young_is_kept_even_before_something_old(stream: Stream) -> None:
    for _ in range(9):
        stream.write()
    stream.age(9)
    table = stream.database.tables.batches
    with stream.database.transaction() as connection:
        now = datetime.now(UTC).replace(tzinfo=None)
        connection.execute(table.update().where(table.c.batch_id == 2).values(committed_at=now))

    stream.write()

    assert stream.kept() == list(range(2, 10))


NUMBERS = st.tuples(*(st.integers(0, 3) for _ in range(4)))


@given(batches=st.lists(NUMBERS, min_size=4, max_size=14), ages=st.lists(st.integers(0, 14), min_size=14, max_size=14))
@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.generate],
)  # each takes some seconds, so none is made shorter
def test_books_sums_and_digest_are_those_of_a_store_that_keeps_all(
    database: Database, batches: list[tuple[int, ...]], ages: list[int]
) -> None:
    found = []
    for kept_for in (None, DAY):
        database.drop()
        stream, scraped = Stream(database, kept_for), TotalsReader(database)
        seen = []
        for numbers, age in zip(batches, ages, strict=False):
            stream.write(*numbers)
            stream.age(age)
            seen.append((stream.counted_books(), stream.reader.books().is_balanced, timeless(scraped.read("query"))))
        assert timeless(TotalsReader(database).read("query")) == seen[-1][2]
        assert check_counts(database, Checked()) is not None
        found.append(seen)

    assert found[0] == found[1]


def timeless(totals: Totals) -> Totals:
    last = totals.last and replace(totals.last, committed_at=None)
    return replace(plain(totals), last=last)


def test_a_scraper_that_slept_while_its_last_batch_expired_sums_up_anew(stream: Stream) -> None:
    scraped = TotalsReader(stream.database)
    stream.write(late=1)
    assert scraped.read("query").books.late == 1
    for _ in range(6):
        stream.write(late=1)
        stream.age(99)
    stream.write(late=1)
    assert 0 not in stream.kept()

    found = scraped.read("query")

    assert (found.books.late, found.batches, found.books.expired_batches) == (8, 8, 5)


def test_the_work_of_one_batch_is_bounded(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(12):
        stream.write(rejected=1)
    stream.age(12)
    monkeypatch.setattr(retention, "_MOST_BATCHES", 4)
    stream.write()
    assert stream.kept()[0] == 4

    monkeypatch.setattr(retention, "_MOST_REJECTED", 5)
    stream.write()
    assert stream.kept()[0] == 6  # of 2 rejected records each

    monkeypatch.setattr(retention, "_MOST_REJECTED", 1)
    stream.write()
    assert stream.kept()[0] == 7  # one that is larger goes by itself
    assert stream.reader.books().is_balanced


def test_a_batch_that_fails_expires_nothing(stream: Stream) -> None:
    for _ in range(6):
        stream.write(rejected=1)
    stream.age(6)
    before = stream.reader.books()

    def refuse(_: Any) -> None:
        raise SfPoliceError("no")

    with pytest.raises(SfPoliceError, match="no"):
        stream.writer.write_batch(a_batch(6, start=stream.ends["0"], read=0), a_counts_table([]), [], refuse)

    assert stream.reader.books() == before
    assert stream.kept() == list(range(6))


ALTERED: list[Callable[[Database], str]] = [
    lambda _: "DELETE FROM rejected WHERE reason = 'bad'",
    lambda _: "UPDATE batches SET rejected = rejected + 1, late = 0 WHERE batch_id = 0",
]


@pytest.mark.parametrize("altered", ALTERED, ids=["no records", "another number"])
def test_rejected_records_that_are_not_there_are_no_expired_ones(stream: Stream, altered: Any) -> None:
    for _ in range(6):
        stream.write(rejected=1)
    stream.age(6)
    with stream.database.transaction() as connection:
        connection.exec_driver_sql(altered(stream.database))

    with pytest.raises(SfPoliceError, match="of which . are in the store: it was altered; nothing was stored"):
        stream.write()
    assert stream.kept() == list(range(6))


@pytest.mark.parametrize("column", ["digest", "counted", "rejected", "read"])
def test_sums_that_were_altered_are_seen(stream: Stream, column: str) -> None:
    for _ in range(6):
        stream.write(rejected=1)
    stream.age(6)
    stream.write()
    assert isinstance(stream.reader.last_batches(1)[0], Batch)
    with stream.database.transaction() as connection:
        connection.exec_driver_sql(f"UPDATE expired SET {column} = {column} + 1")

    is_sound = stream.reader.books().is_balanced and check_counts(stream.database, Checked()) is not None

    assert not is_sound
