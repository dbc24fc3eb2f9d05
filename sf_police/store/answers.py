"""The read side of the store: the answer, the books, the batches, and the stream they belong to. Writes nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, func, select, text

from sf_police.question import WINDOW_END, WINDOW_START
from sf_police.store.database import Database
from sf_police.store.kept import counts_table, with_span
from sf_police.store.tables import Batch, Books, Offsets, batch_of_row
from sf_police.store.views import EVER, SPREAD_TOTALS, WINDOW_ANSWERS, over_span

Row = dict[str, Any]

_UNITS: Final = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


class StoreReader:
    """Reads an open store."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._tables = database.tables

    def stream(self) -> tuple[str, dict[str, Any]] | None:
        """Return the query id and settings of the stream that the store belongs to; None if the store is new.

        Raises:
            SfPoliceError: the store has another format, or belongs to another question.
        """
        if not self.database.exists():
            return None
        refusal = self.database.refusal()
        if refusal:
            raise refusal
        rows = self.database.rows(select(self._tables.streams))
        return (rows[0]["query_id"], json.loads(rows[0]["settings"])) if rows else None

    def is_empty(self) -> bool:
        """Return whether nothing has been stored yet."""
        return not self.database.exists() or not self.last_batches(1)

    def last_batches(self, limit: int) -> list[Batch]:
        """Return the latest batches, newest first."""
        batches = self._tables.batches
        own = select(batches).where(self._is_own(batches))
        rows = self.database.rows(own.order_by(batches.c.batch_id.desc()).limit(limit))
        return [batch_of_row(row) for row in rows]

    def batch(self, batch_id: int) -> Batch | None:
        """Return one batch; None if there is none of this number."""
        batches = self._tables.batches
        rows = self.database.rows(select(batches).where(self._is_own(batches), batches.c.batch_id == batch_id))
        return batch_of_row(rows[0]) if rows else None

    def _is_own(self, batches: FromClause) -> ColumnElement[bool]:
        # All are one stream's; but the key begins with its id, and without it every row would be read.
        one = self._tables.batches.alias()
        return batches.c.query_id == select(func.max(one.c.query_id)).scalar_subquery()

    def late_batches(self) -> list[Batch]:
        """Return the batches that had late records, oldest first."""
        batches = self._tables.batches
        query = select(batches).where(batches.c.late > 0).order_by(batches.c.batch_id)
        return [batch_of_row(row) for row in self.database.rows(query)]

    def books(self, *, of_counts: bool = True, of_rejected: bool = True) -> Books:
        """Return the books of the whole store, from its tables alone.

        One statement, as a running stream may store a batch between two of them.

        Args:
            of_counts: False: the counts are not read, and taken for what the batches say.
            of_rejected: likewise for rejected records.
        """
        counted = func.coalesce(func.sum(self._tables.counts.c[self.database.question.rows]), 0)
        stored = {"stored_counted": select(counted)} if of_counts else {}
        if of_rejected:
            stored["stored_rejected"] = select(func.count()).select_from(self._tables.rejected)
        sums = self._sums(**stored)
        if of_rejected:
            sums["stored_rejected"] += sums["expired_rejected"]
        sums = {"stored_counted": sums["counted"], "stored_rejected": sums["rejected"], **sums}
        return Books(**{each.name: sums[each.name] for each in fields(Books)})

    def batch_sums(self) -> dict[str, int]:
        """Return what the batches say of all records, without a look at the counts: `offsets`, `read` and so on."""
        return {name: number for name, number in self._sums().items() if not name.startswith("expired_")}

    def expired(self, name: str) -> int:
        """Return how many records of an outcome (`late`, …) are in micro-batches that are no longer kept."""
        rows = self.database.rows(select(self._tables.expired.c[name].label("number")))
        return int(rows[0]["number"]) if rows else 0

    def _sums(self, **more: Select[Any]) -> dict[str, int]:
        batches, expired = self._tables.batches, self._tables.expired
        by_id, names = batches.alias(), ("read", "counted", "duplicates", "late", "rejected")
        own = self._is_own(by_id)
        parts = {
            **more,
            "first_start": select(expired.c.start_offsets),
            "start": select(by_id.c.start_offsets).where(own).order_by(by_id.c.batch_id).limit(1),
            "end": select(by_id.c.end_offsets).where(own).order_by(by_id.c.batch_id.desc()).limit(1),
            **{f"expired_{name}": select(expired.c[name]) for name in ("batches", *names)},
        }
        sums = (func.coalesce(func.sum(batches.c[name]), 0).label(name) for name in names)
        [row] = self.database.rows(select(*sums, *(part.scalar_subquery().label(name) for name, part in parts.items())))
        first, start, end = (row.pop(name) for name in ("first_start", "start", "end"))
        found = {name: int(number or 0) for name, number in row.items()}
        for name in names:
            found[name] += found[f"expired_{name}"]
        return {"offsets": span(json.loads(first or start), json.loads(end)) if start else 0, **found}

    def answer(self, view: str, *, limit: int | None = None, newest: bool = False) -> list[Row]:
        """Return rows of a view: windows by start, oldest or newest first; others by count, highest first."""
        if view == WINDOW_ANSWERS:
            order = f"{WINDOW_START} DESC" if newest else WINDOW_START
        else:
            order = f"{self.database.question.rows} DESC, 1"
        return self._view(view, f"ORDER BY {order}", limit=limit)

    def columns(self, view: str) -> list[str]:
        """Return a view's columns."""
        with self.database.transaction() as connection:
            return list(connection.execute(text(f"SELECT * FROM {view} LIMIT 0")).keys())  # noqa: S608

    def newest_windows(self, limit: int) -> list[Row]:
        """Return the answers of the latest windows, newest first."""
        start = self._tables.counts.c[WINDOW_START]
        starts = self.database.rows(select(start).distinct().order_by(start.desc()).limit(limit))
        if not starts:
            return []
        return self.answered(WINDOW_ANSWERS, f"{WINDOW_START} DESC", starts[-1][WINDOW_START], EVER[1])

    def window_answer(self, window_start: datetime) -> list[Row]:
        """Return the answer of one window: one row, or none."""
        return self.answered(WINDOW_ANSWERS, WINDOW_START, window_start, window_start + timedelta(microseconds=1))

    def answered(self, view: str, order: str, since: datetime, until: datetime) -> list[Row]:
        """Return the rows of a view over the windows that start in a span alone; `until` is exclusive."""
        table = counts_table(self.database.dialect, self.database.schema)
        query = over_span(self.database.question.answers, view, table)
        return [self.shown(row) for row in self.database.rows(with_span(f"{query} ORDER BY {order}", (since, until)))]

    def spread(self) -> Mapping[int, int]:
        """Return how many windows have each value of the question's spread."""
        column = self.database.question.spread
        of_windows = f"SELECT {column}, COUNT(*) AS windows FROM {WINDOW_ANSWERS} GROUP BY {column}"  # noqa: S608
        of_totals = f"SELECT {column}, windows FROM {SPREAD_TOTALS} WHERE windows > 0"  # noqa: S608
        rows = self.database.rows(text(of_totals if SPREAD_TOTALS in self._tables.kept else of_windows))
        return {int(row[column]): int(row["windows"]) for row in rows}

    def _view(self, view: str, clause: str, *, limit: int | None) -> list[Row]:
        query = text(f"SELECT * FROM {view} {clause}" + ("" if limit is None else f" LIMIT {limit:d}"))  # noqa: S608
        return [self.shown(row) for row in self.database.rows(query)]

    def all_counts(self) -> list[Row]:
        """Return every row of `counts`."""
        return [self.shown(row) for row in self.database.rows(select(self._tables.counts))]

    def window_counts(self, window_start: datetime) -> list[Row]:
        """Return the counts of one window, highest first."""
        counts = self._tables.counts
        groups = [counts.c[group.name] for group in self.database.question.groups]
        query = select(counts).where(counts.c[WINDOW_START] == window_start)
        query = query.order_by(counts.c[self.database.question.rows].desc(), *groups)
        return [self.shown(row) for row in self.database.rows(query)]

    def rejected(self, limit: int) -> list[Row]:
        """Return the first rejected records, by partition and offset."""
        rejected = self._tables.rejected
        return self.database.rows(select(rejected).order_by(rejected.c.partition, rejected.c.offset).limit(limit))

    def newest_rejected(self, limit: int) -> list[Row]:
        """Return the rejected records with the highest offsets, by offset, highest first."""
        rejected = self._tables.rejected
        order = (rejected.c.offset.desc(), rejected.c.partition)
        return self.database.rows(select(rejected).order_by(*order).limit(limit))

    def rejected_reasons(self) -> list[Row]:
        """Return each reason and how many records have it, the most frequent first."""
        reason, number = self._tables.rejected.c.reason, func.count()
        query = select(reason, number.label("records")).group_by(reason).order_by(number.desc(), reason)
        return self.database.rows(query)

    def rejected_samples(self, reason: str, limit: int) -> list[Row]:
        """Return the first records with this reason, by topic, partition and offset."""
        rejected = self._tables.rejected
        order = (rejected.c.topic, rejected.c.partition, rejected.c.offset)
        return self.database.rows(select(rejected).where(rejected.c.reason == reason).order_by(*order).limit(limit))

    def shown(self, row: Row) -> Row:
        """Return a view's row with times and decimals in place of what the database stores: text, scaled integers."""
        scales = {field.name: field.scale for field in self.database.question.sums if field.scale}

        def shown(name: str, value: Any) -> Any:
            if name in (WINDOW_START, WINDOW_END) and isinstance(value, str):
                return datetime.fromisoformat(value)
            return Decimal(value).scaleb(-scales[name]) if name in scales and value is not None else value

        return {name: shown(name, value) for name, value in row.items()}


def totals(some: Sequence[Row], overall: Row, *, spread: str, windows: Mapping[int, int] | None = None) -> Row:
    """Return the overall answer, the length of a window, and a column's minimum, median and maximum over all windows.

    Args:
        some: windows.
        overall: the answer.
        spread: the column.
        windows: how many windows have each value of it; None: `some` are all windows.
    """
    figures = sorted(
        Counter(row[spread] for row in some).elements() if windows is None else Counter(windows).elements()
    )
    # Without a window (every record was rejected) there is no spread.
    found = (figures[0], median(figures), figures[-1]) if figures else (None, None, None)
    return {
        **overall,
        "window": _length(some[0][WINDOW_END] - some[0][WINDOW_START]) if some else None,
        f"{spread}_per_window": dict(zip(("minimum", "median", "maximum"), found, strict=True)),
    }


def _length(window: timedelta) -> str:
    # As in the setting WINDOW: `30 minutes`.
    seconds = int(window.total_seconds())
    unit, name = next(each for each in _UNITS if seconds % each[0] == 0)
    return f"{seconds // unit:,} {name}{'' if seconds == unit else 's'}"


def span(start: Offsets, end: Offsets) -> int:
    """Return how many offsets there are between two positions; a partition that was added counts from its start."""
    return sum(end.values()) - sum(start.get(partition, 0) for partition in end)
