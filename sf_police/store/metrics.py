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
                # Another stream's, or a store that was put back: what was summed up is not in it.
                self._sums, self._last = {}, None
                row = self._newer(query_id)
            names = _sums(self._database.tables.batches)
            self._sums = {name: self._sums.get(name, 0) + int(row[name]) for name in names}
            columns = self._database.tables.batches.columns.keys()
            self._last = batch_of_row({name: row[name] for name in columns}) if row["query_id"] else None
            return self._totals(row)

    def _newer(self, query_id: str) -> Row:
        # One statement, as a running stream may store a batch between two of them.
        tables, known = self._database.tables, self._last.batch_id if self._last else -1
        batches, each = tables.batches, tables.batches.alias()
        is_own, each_own = batches.c.query_id == query_id, each.c.query_id == query_id
        columns = (column.label(name) for name, column in _sums(batches).items())
        sums = select(*columns).where(is_own, batches.c.batch_id > known).subquery()
        last = select(batches).where(is_own).order_by(batches.c.batch_id.desc()).limit(1).subquery()
        parts = {
            "first_offsets": select(each.c.start_offsets).where(each_own).order_by(each.c.batch_id).limit(1),
            "last_at": select(each.c.committed_at).where(each_own, each.c.batch_id == known),
            "stored_counted": select(func.coalesce(func.sum(tables.counts.c[self._database.question.rows]), 0)),
            "stored_rejected": select(func.count()).select_from(tables.rejected),
        }
        also = (part.scalar_subquery().label(name) for name, part in parts.items())
        [row] = self._database.rows(select(sums, last, *also).select_from(sums.outerjoin(last, true())))
        return row

    def _totals(self, row: Row) -> Totals:
        sums, last = self._sums, self._last
        books = Books(
            offsets=span(json.loads(row["first_offsets"]), last.end_offsets) if last else 0,
            read=sums["sum_read"],
            **{name: sums[f"sum_{name}"] for name in OUTCOMES},
            **{name: int(row[name]) for name in ("stored_counted", "stored_rejected")},
        )
        within = tuple(sums[f"within_{bound}"] for bound in BOUNDS_S)
        return Totals(sums["batches"], sums["milliseconds"], within, books, last)


def _sums(batches: Table) -> dict[str, ColumnElement[Any]]:
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
