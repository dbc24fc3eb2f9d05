"""Where in the store a record is: the micro-batch that read it, its row of `rejected`, and the counts it is in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from sf_police.question import WINDOW_START
from sf_police.store.answers import Row, StoreReader
from sf_police.store.tables import Batch, Offsets, batch_of_row


def batch_at(store: StoreReader, partition: int, offset: int) -> Batch | None:
    """Return the micro-batch that has read an offset; None if none that is kept has. Reads a few rows of any number."""
    number = str(partition)
    last = next(iter(store.last_batches(1)), None)
    if last is None or offset >= last.end_offsets.get(number, 0):
        return None
    batches = store.database.tables.batches
    [row] = store.database.rows(
        select(func.min(batches.c.batch_id).label("first")).where(batches.c.query_id == last.query_id)
    )
    low, high = int(row["first"]), last.batch_id
    found = last
    while low < high:
        middle = (low + high) // 2
        batch = store.batch(middle)
        if batch is None:  # it has expired meanwhile
            low = middle + 1
        elif offset < batch.end_offsets.get(number, 0):
            high, found = middle, batch
        else:
            low = middle + 1
    return found if found.start_offsets.get(number, 0) <= offset else None


def expired_offsets(store: StoreReader) -> tuple[Offsets, Offsets] | None:
    """Return the start and the end of the micro-batches that are no longer kept one by one; None if there are none."""
    expired = store.database.tables.expired
    rows = store.database.rows(select(expired.c.start_offsets, expired.c.end_offsets))
    return (json.loads(rows[0]["start_offsets"]), json.loads(rows[0]["end_offsets"])) if rows else None


def rejected_at(store: StoreReader, topic: str, partition: int, offset: int) -> str | None:
    """Return why a record was rejected; None if it is not among the rejected ones."""
    rejected = store.database.tables.rejected
    where = (rejected.c.topic == topic) & (rejected.c.partition == partition) & (rejected.c.offset == offset)
    rows = store.database.rows(select(rejected.c.reason).where(where))
    return str(rows[0]["reason"]) if rows else None


def count_of(store: StoreReader, window_start: datetime, groups: Sequence[Any]) -> Row | None:
    """Return the row of `counts` for a window and the values of its group columns; None if there is none."""
    counts, question = store.database.tables.counts, store.database.question
    query = select(counts).where(counts.c[WINDOW_START] == window_start)
    for group, value in zip(question.groups, groups, strict=True):
        query = query.where(counts.c[group.name] == value)
    rows = store.database.rows(query)
    return store.shown(rows[0]) if rows else None


def window_total(store: StoreReader, window_start: datetime) -> int:
    """Return how many records were counted in a window."""
    counts = store.database.tables.counts
    total = func.coalesce(func.sum(counts.c[store.database.question.rows]), 0).label("total")
    [row] = store.database.rows(select(total).where(counts.c[WINDOW_START] == window_start))
    return int(row["total"])


def all_batches(store: StoreReader) -> list[Batch]:
    """Return all micro-batches, oldest first; those that are no longer kept one by one as one before the others.

    That one has no watermark, so that it cannot be said which of its records were late.
    """
    batches, expired = store.database.tables.batches, store.database.tables.expired
    rows = store.database.rows(select(batches).order_by(batches.c.batch_id))
    kept = [batch_of_row(row) for row in rows]
    folded = store.database.rows(select(expired))
    if not (kept and folded):
        return kept
    names = ("query_id", "start_offsets", "end_offsets", "read", "counted", "duplicates", "late", "rejected", "digest")
    row = {name: folded[0][name] for name in names}
    return [batch_of_row({**row, "batch_id": kept[0].batch_id - 1, "watermark": None, "seconds": 0.0}), *kept]
