"""What metrics are made of: sums over all batches, the newest batch and the books, in one statement.

A batch is stored once and never changed, so the sums only grow, also across kill -9 and a resumed stream.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Table, case, cast, func, select, true

from sf_police.store.answers import Row, span
from sf_police.store.database import Database
from sf_police.store.tables import Batch, Books, batch_of_row

# What becomes of a record, as the columns of `batches` have it.
OUTCOMES: Final = ("counted", "duplicates", "late", "rejected")
# Seconds of a batch: from small ones, which take some 0.15, to the whole file in one.
BOUNDS_S: Final = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


@dataclass(frozen=True)
class Totals:
    """Sums over all batches of a stream.

    Args:
        batches: how many there are.
        milliseconds: that they took.
        batches_within: for each of BOUNDS_S, how many took so long or less.
        books: where the records went.
        last: the newest batch; None if there is none.
    """

    batches: int
    milliseconds: int
    batches_within: tuple[int, ...]
    books: Books
    last: Batch | None


class TotalsReader:
    """Reads the sums again and again. A batch that was summed up is not read again, as there may be millions."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._sums: dict[str, int] = {}  # up to the last batch
        self._last: Batch | None = None

    def read(self, query_id: str) -> Totals:
        """Return the sums over the batches of a streaming query. Raises SfPoliceError if they cannot be read."""
        with self._lock:
            row = self._newer(query_id)
            if self._last and row["last_at"] != self._last.committed_at:
                # Another stream's, a store that was put back, or the batch has expired: all is summed up again.
                self._sums, self._last = {}, None
                row = self._newer(query_id)
            if self._last is None:
                self._sums = _of_expired(row)
            names = sums_of(self._database.tables.batches)
            self._sums = {name: self._sums.get(name, 0) + int(row[name]) for name in names}
            columns = self._database.tables.batches.columns.keys()
            self._last = batch_of_row({name: row[name] for name in columns}) if row["query_id"] else None
            return self._totals(row)

    def _newer(self, query_id: str) -> Row:
        # One statement, as a running stream may store a batch between two of them.
        tables, known = self._database.tables, self._last.batch_id if self._last else -1
        batches, each = tables.batches, tables.batches.alias()
        is_own, each_own = batches.c.query_id == query_id, each.c.query_id == query_id
        columns = (column.label(name) for name, column in sums_of(batches).items())
        sums = select(*columns).where(is_own, batches.c.batch_id > known).subquery()
        last = select(batches).where(is_own).order_by(batches.c.batch_id.desc()).limit(1).subquery()
        named: list[Any] = [column.label(f"expired_{column.name}") for column in tables.expired.c]
        expired = select(*named).where(tables.expired.c.query_id == query_id).subquery()
        parts = {
            "first_offsets": select(each.c.start_offsets).where(each_own).order_by(each.c.batch_id).limit(1),
            "last_at": select(each.c.committed_at).where(each_own, each.c.batch_id == known),
            "stored_counted": select(func.coalesce(func.sum(tables.counts.c[self._database.question.rows]), 0)),
            "stored_rejected": select(func.count()).select_from(tables.rejected),
        }
        also = (part.scalar_subquery().label(name) for name, part in parts.items())
        joined = sums.outerjoin(last, true()).outerjoin(expired, true())
        [row] = self._database.rows(select(sums, last, expired, *also).select_from(joined))
        return row

    def _totals(self, row: Row) -> Totals:
        sums, last = self._sums, self._last
        books = Books(
            offsets=span(json.loads(row["expired_start_offsets"] or row["first_offsets"]), last.end_offsets)
            if last
            else 0,
            read=sums["sum_read"],
            **{name: sums[f"sum_{name}"] for name in OUTCOMES},
            stored_counted=int(row["stored_counted"]),
            stored_rejected=int(row["stored_rejected"]) + (row["expired_rejected"] or 0),
            **{name: row[name] or 0 for name in ("expired_batches", "expired_late", "expired_rejected")},
        )
        within = tuple(sums[f"within_{bound}"] for bound in BOUNDS_S)
        return Totals(sums["batches"], sums["milliseconds"], within, books, last)


def _of_expired(row: Row) -> dict[str, int]:
    if row["expired_query_id"] is None:
        return {}
    within = json.loads(row["expired_within"])
    return {
        **{name: row[f"expired_{name}"] for name in ("batches", "milliseconds")},
        **{f"sum_{name}": row[f"expired_{name}"] for name in ("read", *OUTCOMES)},
        **{f"within_{bound}": within[str(bound)] for bound in BOUNDS_S},
    }


def sums_of(batches: Table) -> dict[str, ColumnElement[Any]]:
    """Return what is summed up of batches, by name: `batches`, `sum_read`, `milliseconds`, `within_0.5` and so on."""

    def total(column: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.coalesce(func.sum(column), 0)

    seconds = batches.c.seconds
    return {
        "batches": func.count(),
        # Whole numbers: a sum of fractions depends on their order, and Prometheus takes the least decrease for a reset.
        "milliseconds": total(cast(func.round(seconds * 1000), BigInteger)),
        **{f"sum_{name}": total(batches.c[name]) for name in ("read", *OUTCOMES)},
        **{f"within_{bound}": total(case((seconds <= bound, 1), else_=0)) for bound in BOUNDS_S},
    }
