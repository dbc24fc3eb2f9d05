"""Totals that are kept in tables beside the counts, so that an answer on millions of counts takes no seconds.

They are of the settled windows, those before a bound; the views add what the windows from there on yield. So a stream
in the order of events writes counts alone, and moves the bound once many are open and no more records wait. A
micro-batch that changes settled windows takes their share off the totals, and puts it back once it has changed them.
Each share is what the totals' own statement in `answers.sql` yields over these windows alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import pyarrow as pa
from sqlalchemy import Select, bindparam, select, text
from sqlalchemy.engine import Connection, Dialect

from sf_police.question import WINDOW_START, Question
from sf_police.store.tables import Tables, WallClock
from sf_police.store.views import EVER, Totals, kept_totals, over_span

# Counts of open windows: more are settled, all but the newest. A view adds so many up in a tenth of a second.
MOST_OPEN: Final = 50_000
STAY_OPEN: Final = 20_000
# At once, as a micro-batch waits for it: half a second.
_SETTLED_AT_ONCE: Final = 250_000
# Windows that are no further apart are read together, with those between them.
_NEAR: Final = timedelta(days=1)
Span = tuple[datetime, datetime]  # of window starts; the second is exclusive


class KeptTotals:
    """The totals of a store, within a transaction that writes to it."""

    def __init__(self, connection: Connection, tables: Tables, question: Question, schema: str) -> None:
        self._connection, self._tables, self._schema = connection, tables, schema
        self._answers = question.answers
        self._totals = list(kept_totals(question.answers).values())

    @contextmanager
    def changed_by(self, added: pa.Table) -> Iterator[None]:
        """Keep the totals of settled windows what they yield, while `added` is added to the counts in this context."""
        until = self._until() if self._totals else EVER[0]
        spans = [(since, min(end, until)) for since, end in touched(added) if since < until]
        for span in spans:
            self._add_share(span, times=-1)
        yield
        for span in spans:
            self._add_share(span)

    def settle(self) -> bool:
        """Settle the oldest open windows, where many counts are open; return whether there are still many."""
        if not self._totals:
            return False
        since = self._until()
        start = self._tables.counts.c[WINDOW_START]
        starts = select(start).where(start >= since)
        if self._start(starts.order_by(start), MOST_OPEN) is None:
            return False
        newest = self._start(starts.order_by(start.desc()), STAY_OPEN) or since
        until = min(self._start(starts.order_by(start), _SETTLED_AT_ONCE) or newest, newest)
        if until <= since:
            return False  # one window has them all
        self._add_share((since, until))
        self._set_until(until)
        return self._start(starts.where(start >= until).order_by(start), MOST_OPEN) is not None

    def make(self) -> None:
        """Make the totals anew, for a store that lacked some of them."""
        for table in self._tables.kept.values():
            self._connection.execute(table.delete())
        self._set_until(EVER[0])

    def differing(self) -> list[str]:
        """Return the names of totals that are not what the settled windows yield. Reads each of these."""
        found, until = [], self._until()
        for totals in self._totals:
            query = over_span(self._answers, totals.name, counts_table(self._connection.dialect, self._schema))
            yielded = {tuple(row) for row in self._connection.execute(with_span(query, (EVER[0], until)))}
            rows = self._connection.execute(select(self._tables.kept[totals.name]))
            # A spread that no window has any more.
            stored = {tuple(row) for row in rows if any(row[len(totals.keys) :])}
            if yielded != stored:
                found.append(totals.name)
        return found

    def _until(self) -> datetime:
        return self._connection.execute(select(self._tables.settled.c.until)).scalar() or EVER[0]

    def _set_until(self, until: datetime) -> None:
        self._connection.execute(self._tables.settled.delete())
        self._connection.execute(self._tables.settled.insert(), {"until": until})

    def _start(self, starts: Select[Any], place: int) -> datetime | None:
        found: datetime | None = self._connection.execute(starts.offset(place).limit(1)).scalar()
        return found

    def _add_share(self, span: Span, *, times: int = 1) -> None:
        counts = counts_table(self._connection.dialect, self._schema)
        for totals in self._totals:
            self._connection.execute(with_span(_insert(self._answers, totals, counts, times), span))


def touched(added: pa.Table) -> list[Span]:
    """Return the fewest spans that hold every window of `added`, without long gaps in them."""
    starts = sorted(added.column(WINDOW_START).unique().cast(pa.timestamp("us")).to_pylist())
    spans: list[Span] = []
    for start in starts:
        until = start + timedelta(microseconds=1)
        is_near = bool(spans) and start - spans[-1][1] <= _NEAR
        spans[-1:] = [(spans[-1][0], until)] if is_near else [*spans[-1:], (start, until)]
    return spans


@lru_cache(maxsize=64)  # else making it takes longer than a small micro-batch's shares
def _insert(answers: str, totals: Totals, counts: str, times: int) -> str:
    keys = ", ".join(totals.keys)
    values = ", ".join(f"{times:d} * {value}" for value in totals.values)
    sums = ", ".join(f"{value} = {totals.table}.{value} + excluded.{value}" for value in totals.values)
    share = over_span(answers, totals.name, counts)
    columns = ", ".join((*totals.keys, *totals.values))
    return (
        f"INSERT INTO {totals.table} ({columns}) SELECT {keys}, {values} FROM (\n{share}\n) AS share "  # noqa: S608
        f"WHERE TRUE ON CONFLICT ({keys}) DO UPDATE SET {sums}"  # SQLite would else take ON for that of a JOIN
    )


def with_span(query: str, span: Span) -> Any:
    """Return a query with the values of its `:since` and `:until`."""
    values = zip(("since", "until"), span, strict=True)
    return text(query).bindparams(*(bindparam(name, value, type_=WallClock()) for name, value in values))


def counts_table(dialect: Dialect, schema: str) -> str:
    """Return the table `counts` by a name that nothing in a query can stand for."""
    return "main.counts" if dialect.name == "sqlite" else f'"{schema}".counts'
