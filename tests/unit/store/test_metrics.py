"""Sums over all batches, against sums made by hand; what was summed up is not read again, and not kept too long."""

from __future__ import annotations

from datetime import datetime

import pytest

from sf_police.errors import SfPoliceError
from sf_police.store.answers import StoreReader
from sf_police.store.database import Database
from sf_police.store.metrics import BOUNDS_S, Totals, TotalsReader
from sf_police.store.tables import Books
from sf_police.store.writer import StoreWriter
from tests.support.builders import store_batch

TRAFFIC = ("2018-10-12 14:00:00", "2018-10-12 14:30:00", "Traffic Stop", "Handled")
FIRE = ("2018-10-12 14:30:00", "2018-10-12 15:00:00", "Fire", "Not recorded")
BAD = {"topic": "calls", "partition": 0, "offset": 3, "reason": "not UTF-8", "value": b"\xff"}


@pytest.fixture
def totals(database: Database) -> TotalsReader:
    return TotalsReader(database)


def test_a_store_without_batches_has_sums_of_nothing(totals: TotalsReader) -> None:
    nothing = Totals(0, 0, (0,) * len(BOUNDS_S), Books(0, 0, 0, 0, 0, 0, 0, 0), None)

    assert totals.read("query") == nothing
    assert totals.read("query") == nothing


def test_sums_are_of_all_batches_and_the_last_one_is_the_newest(database: Database, reader: StoreReader) -> None:
    store_batch(database, [(*TRAFFIC, 7)], [BAD], seconds=0.149, watermark=None)
    store_batch(database, [(*FIRE, 3)], duplicates=2, late=1, seconds=0.15)
    again = TotalsReader(database)
    assert again.read("query").batches == 2
    newest = datetime(2018, 10, 12, 14, 30, 0, 500_000)
    store_batch(database, late=4, seconds=60.001, watermark=newest, state_rows=9)

    for found in (TotalsReader(database).read("query"), again.read("query"), again.read("query")):
        assert found.books == Books(
            offsets=18, read=18, counted=10, duplicates=2, late=5, rejected=1, stored_counted=10, stored_rejected=1
        )
        assert found.books == reader.books()
        assert (found.batches, found.milliseconds) == (3, 149 + 150 + 60_001)
        within = {**dict.fromkeys(BOUNDS_S, 2), 0.05: 0, 0.1: 0}
        assert dict(zip(BOUNDS_S, found.batches_within, strict=True)) == within
        assert found.last == reader.last_batches(1)[0]
        assert found.last.watermark == newest
        assert found.last.committed_at is not None


def test_the_sum_of_seconds_is_exact(database: Database, totals: TotalsReader) -> None:
    for _ in range(30):
        store_batch(database, seconds=1.001)  # in floating point a thousand times that is less than 1,001

    assert totals.read("query").milliseconds == 30 * 1_001


def test_a_batch_that_was_summed_up_is_not_read_again(database: Database, totals: TotalsReader) -> None:
    for _ in range(2):
        store_batch(database, late=1)
    assert totals.read("query").books.late == 2
    with database.transaction() as connection:
        connection.exec_driver_sql("UPDATE batches SET late = 100 WHERE batch_id = 0")
    store_batch(database, late=5)

    assert totals.read("query").books.late == 7
    assert TotalsReader(database).read("query").books.late == 106


def test_a_store_that_was_put_back_is_summed_up_anew(database: Database, totals: TotalsReader) -> None:
    for _ in range(3):
        store_batch(database, late=1)
    assert totals.read("query").books.late == 3
    with database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM batches WHERE batch_id > 0")

    assert (totals.read("query").batches, totals.read("query").books.late) == (1, 1)

    for late in (10, 20, 30):
        store_batch(database, late=late)
    assert (totals.read("query").batches, totals.read("query").books.late) == (4, 61)


def test_another_stream_is_summed_up_anew(database: Database, totals: TotalsReader) -> None:
    store_batch(database, [(*TRAFFIC, 7)])
    assert totals.read("query").books.counted == 7
    database.drop()
    StoreWriter(database).adopt_stream("another", {})

    found = totals.read("another")

    assert (found.batches, found.books.counted, found.books.is_balanced, found.last) == (0, 0, True, None)


def test_counts_that_are_not_what_the_batches_have_added_are_seen(database: Database, totals: TotalsReader) -> None:
    store_batch(database, [(*TRAFFIC, 7)], [BAD])
    assert totals.read("query").books.is_balanced
    for change in ("UPDATE counts SET calls = 8", "UPDATE counts SET calls = 7", "DELETE FROM rejected"):
        with database.transaction() as connection:
            connection.exec_driver_sql(change)
        assert totals.read("query").books.is_balanced == change.endswith("7")


def test_a_store_that_is_gone_is_an_error(database: Database, totals: TotalsReader) -> None:
    database.drop()

    with pytest.raises(SfPoliceError):
        totals.read("query")
