"""Writes rows by INSERT: what every database does, and the fastest way for a few rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import Any, Final, TypeVar

import pyarrow as pa
from sqlalchemy import Table
from sqlalchemy.engine import Connection, Dialect

from sf_police.question import WINDOW_START

_ROWS_AT_ONCE: Final = 5_000
# A statement's fixed cost would be a quarter of the writing time if each statement wrote one row.
_ROWS_PER_STATEMENT: Final = 50
_Row = TypeVar("_Row")


def insert_counts(
    connection: Connection,
    counts: Table,
    added: pa.Table,
    sums: Sequence[str],
    *,
    insert: Callable[[Table], Any],
    driver_times: Callable[[pa.ChunkedArray], pa.ChunkedArray],
) -> None:
    """Add rows to those of the same key.

    Args:
        connection: within a transaction.
        counts: the table.
        added: with the table's columns, and perhaps others.
        sums: columns that are added up.
        insert: the dialect's INSERT.
        driver_times: makes times what the driver expects.
    """
    # The store keeps them by window: in hash order, every row would go to a different page of the table.
    rows = added.select(counts.columns.keys()).sort_by(WINDOW_START)
    for place, field in enumerate(rows.schema):
        if pa.types.is_timestamp(field.type):
            rows = rows.set_column(place, field.name, driver_times(rows.column(place)))
    for chunk in _chunks(_tuples(rows)):
        whole = len(chunk) - len(chunk) % _ROWS_PER_STATEMENT
        for part, per_statement in ((chunk[:whole], _ROWS_PER_STATEMENT), (chunk[whole:], 1)):
            if part:
                values = [chain.from_iterable(part)] * (per_statement * rows.num_columns)
                statement = _statement(insert, counts, tuple(sums), per_statement, connection.dialect)
                connection.exec_driver_sql(statement, list(zip(*values, strict=True)))


def insert_rows(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> int:
    """Insert new rows; return how many."""
    written = 0
    for chunk in _chunks(rows):
        connection.execute(table.insert(), chunk)
        written += len(chunk)
    return written


def adding(insert: Any, counts: Table, sums: Sequence[str]) -> Any:
    """Return an INSERT that adds to a row which is there."""
    values = {name: counts.c[name] + insert.excluded[name] for name in sums}
    return insert.on_conflict_do_update(index_elements=list(counts.primary_key.columns), set_=values)


@lru_cache(maxsize=8)
def _statement(
    insert: Callable[[Table], Any], counts: Table, sums: tuple[str, ...], rows: int, dialect: Dialect
) -> str:
    # Plain SQL, as SQLAlchemy's processing of values takes four times as long as the store.
    row = dict.fromkeys(counts.columns.keys())
    return str(adding(insert(counts), counts, sums).values([row] * rows).compile(dialect=dialect))


def _tuples(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    for start in range(0, table.num_rows, _ROWS_AT_ONCE):
        part = table.slice(start, _ROWS_AT_ONCE)
        yield from zip(*(column.to_pylist() for column in part.columns), strict=True)


def _chunks(rows: Iterable[_Row]) -> Iterator[list[_Row]]:
    remaining = iter(rows)
    while chunk := list(islice(remaining, _ROWS_AT_ONCE)):
        yield chunk
