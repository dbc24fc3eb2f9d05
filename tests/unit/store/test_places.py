"""Where a record is in the store: found among any number of micro-batches, of which some may have expired."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sf_police.store import places
from sf_police.store.answers import StoreReader
from sf_police.store.database import Database
from sf_police.store.writer import StoreWriter
from tests.support.builders import a_batch, a_counts_table, store_batch
from tests.support.stores import store_at

WINDOW = ("2018-10-12 14:00:00", "2018-10-12 14:30:00")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = store_at(tmp_path)
    yield database
    database.close()


def test_the_micro_batch_that_read_an_offset_is_found(database: Database) -> None:
    writer = StoreWriter(database)
    writer.adopt_stream("query", {})
    # Partition 1 was added with micro-batch 3; 2 and 5 have read nothing of partition 0.
    ends = [4, 5, 5, 9, 10, 10, 17]
    for number, end in enumerate(ends):
        of_one = {"1": (0 if number == 3 else number, number + 1)} if number >= 3 else {}
        spans = {"0": (ends[number - 1] if number else 2, end), **of_one}
        read = sum(last - first for first, last in spans.values())
        batch = replace(
            a_batch(number, read=read, late=read), start_offsets={n: s for n, (s, _) in spans.items()},
            end_offsets={n: e for n, (_, e) in spans.items()},
        )  # fmt: skip
        writer.write_batch(batch, a_counts_table([]), [])
    store = StoreReader(database)

    found = [batch.batch_id if (batch := places.batch_at(store, 0, offset)) else None for offset in range(18)]

    assert found == [None, None, 0, 0, 1, 3, 3, 3, 3, 4, *[6] * 7, None]
    assert [getattr(places.batch_at(store, 1, n), "batch_id", None) for n in (0, 3, 4, 6, 7)] == [3, 3, 4, 6, None]
    assert places.batch_at(store, 2, 0) is None


def test_of_an_empty_store_nothing_is_found(database: Database) -> None:
    StoreWriter(database).adopt_stream("query", {})

    assert places.batch_at(StoreReader(database), 0, 0) is None
    assert places.expired_offsets(StoreReader(database)) is None
    assert places.all_batches(StoreReader(database)) == []


def test_what_has_expired_is_one_micro_batch_before_the_others(database: Database) -> None:
    for _ in range(103):
        store_batch(database, late=1, retention=timedelta(0))
    store = StoreReader(database)

    folded, *kept = places.all_batches(store)

    assert places.batch_at(store, 0, 0) is None
    assert places.expired_offsets(store) == ({"0": 0}, {"0": kept[0].start_offsets["0"]})
    assert folded.batch_id + 1 == kept[0].batch_id
    assert (folded.read, folded.late) == (kept[0].batch_id, kept[0].batch_id)
    assert (folded.start_offsets, folded.end_offsets) == ({"0": 0}, kept[0].start_offsets)
    assert (folded.watermark, folded.version) == (None, "")


def test_a_row_of_counts_a_window_and_a_rejected_record(database: Database) -> None:
    row = {"topic": "calls", "partition": 0, "offset": 2, "reason": "no value", "value": None}
    store_batch(database, [(*WINDOW, "Traffic Stop", "Handled", 2), (*WINDOW, "Homeless", "Cited", 3)], [row])
    store, start = StoreReader(database), datetime.fromisoformat(WINDOW[0])

    found = places.count_of(store, start, ("Traffic Stop", "Handled"))

    assert found is not None
    assert (found["window_start"], found["calls"]) == (start, 2)
    assert places.count_of(store, start, ("Traffic Stop", "Cited")) is None
    assert (places.window_total(store, start), places.window_total(store, datetime(2018, 1, 1))) == (5, 0)
    assert places.rejected_at(store, "calls", 0, 2) == "no value"
    assert places.rejected_at(store, "calls", 0, 3) is None
