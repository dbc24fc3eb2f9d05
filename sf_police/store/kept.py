"""Totals that are kept in tables beside the counts, so that an answer on millions of counts takes no seconds.

A micro-batch takes the share of the windows that it changes off the totals, and puts it back once it has changed them.
Both times the share is what the totals' own statement in `answers.sql` yields over those windows alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import pyarrow as pa
from sqlalchemy import TextClause, bindparam, select, text
from sqlalchemy.engine import Connection, Dialect

from sf_police.question import WINDOW_START, Question
from sf_police.store.tables import Tables, WallClock
from sf_police.store.views import Totals, kept_totals, over_span

# Before and after every window.
EVER: Final = (datetime(1, 1, 1), datetime(9999, 12, 31))
# Windows that are no further apart are read together, with those between them.
_NEAR: Final = timedelta(days=1)
Span = tuple[datetime, datetime]  # of window starts; the second is exclusive


@contextmanager
def kept(connection: Connection, question: Question, schema: str, added: pa.Table) -> Iterator[None]:
    """Keep the totals what their statements yield, while `added` is added to the counts in this context."""
    spans = touched(added)
    shares = [(totals, span) for totals in kept_totals(question.answers).values() for span in spans]
    for totals, span in shares:
        add_share(connection, question, schema, totals, span, times=-1)
    yield
    for totals, span in shares:
        add_share(connection, question, schema, totals, span)


def touched(added: pa.Table) -> list[Span]:
    """Return the fewest spans that hold every window of `added`, without long gaps in them."""
    starts = sorted(added.column(WINDOW_START).unique().cast(pa.timestamp("us")).to_pylist())
    spans: list[Span] = []
    for start in starts:
        until = start + timedelta(microseconds=1)
        is_near = bool(spans) and start - spans[-1][1] <= _NEAR
        spans[-1:] = [(spans[-1][0], until)] if is_near else [*spans[-1:], (start, until)]
    return spans


def add_share(
    connection: Connection, question: Question, schema: str, totals: Totals, span: Span, *, times: int = 1
) -> None:
    """Add to kept totals what the windows of a span yield now.

    Args:
        connection: in a transaction.
        question: whose totals they are.
        schema: PostgreSQL's.
        totals: which.
        span: of windows.
        times: -1 takes it off.
    """
    insert = _insert(question.answers, totals.name, counts_table(connection.dialect, schema), times)
    connection.execute(insert, dict(zip(("since", "until"), span, strict=True)))


@lru_cache(maxsize=64)  # else making it takes longer than a small micro-batch's shares
def _insert(answers: str, name: str, counts: str, times: int) -> TextClause:
    totals = kept_totals(answers)[name]
    keys = ", ".join(totals.keys)
    values = ", ".join(f"{times:d} * {value}" for value in totals.values)
    sums = ", ".join(f"{value} = {totals.name}.{value} + excluded.{value}" for value in totals.values)
    share = over_span(answers, name, counts)
    columns = ", ".join((*totals.keys, *totals.values))
    insert = (
        f"INSERT INTO {totals.name} ({columns}) SELECT {keys}, {values} FROM (\n{share}\n) AS share "  # noqa: S608
        f"WHERE TRUE ON CONFLICT ({keys}) DO UPDATE SET {sums}"  # SQLite would else take ON for that of a JOIN
    )
    return text(insert).bindparams(bindparam("since", type_=WallClock()), bindparam("until", type_=WallClock()))


def with_span(query: str, span: Span) -> Any:
    """Return a query with the values of its `:since` and `:until`."""
    values = zip(("since", "until"), span, strict=True)
    return text(query).bindparams(*(bindparam(name, value, type_=WallClock()) for name, value in values))


def counts_table(dialect: Dialect, schema: str) -> str:
    """Return the table `counts` by a name that nothing in a query can stand for."""
    return "main.counts" if dialect.name == "sqlite" else f'"{schema}".counts'


def differing(connection: Connection, tables: Tables, question: Question, schema: str) -> list[str]:
    """Return the names of kept totals that are not what all the counts yield. Reads every count."""
    found = []
    for totals in kept_totals(question.answers).values():
        query = over_span(question.answers, totals.name, counts_table(connection.dialect, schema))
        yielded = {tuple(row) for row in connection.execute(with_span(query, EVER))}
        # A spread that no window has any more.
        stored = {
            tuple(row) for row in connection.execute(select(tables.kept[totals.name])) if any(row[len(totals.keys) :])
        }
        if yielded != stored:
            found.append(totals.name)
    return found
