"""Writes many rows to PostgreSQL by COPY; counts go to a temporary table first, which is merged in one statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv as arrow_csv
from sqlalchemy import Column, MetaData, Table, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from sf_police.question import WINDOW_START
from sf_police.store.inserting import adding

# With fewer rows, what the temporary table costs is not gained back (benchmarks/store.py).
LEAST_ROWS: Final = 500
_ROWS_AT_ONCE: Final = 50_000
_CSV: Final = arrow_csv.WriteOptions(include_header=False, quoting_style="all_valid", batch_size=_ROWS_AT_ONCE)


def copy_counts(connection: Connection, counts: Table, added: pa.Table, sums: Sequence[str]) -> None:
    """Add rows to those of the same key. Arrow makes the text, so no row is ever an object of Python's.

    Args:
        connection: within a transaction, which a pooler keeps on one connection.
        counts: the table.
        added: with the table's columns, and perhaps others; one row a key.
        sums: columns that are added up.
    """
    names = counts.columns.keys()
    copied = Table(
        "added_counts",
        MetaData(),
        *(Column(column.name, column.type) for column in counts.columns),
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DROP",
    )
    copied.create(connection, checkfirst=False)
    rows = added.select(names)
    # Wall clock, without the zone that Arrow would write.
    form = pa.schema([(f.name, pa.timestamp("us") if pa.types.is_timestamp(f.type) else f.type) for f in rows.schema])
    with _copy(connection, copied, "csv") as copy:
        for start in range(0, rows.num_rows, _ROWS_AT_ONCE):
            sink = pa.BufferOutputStream()
            arrow_csv.write_csv(rows.slice(start, _ROWS_AT_ONCE).cast(form), sink, _CSV)
            copy.write(memoryview(sink.getvalue()))
    # In the order of the windows, which are together in the table and its index; the order within one gains nothing.
    merged = select(*copied.columns).order_by(copied.c[WINDOW_START])
    connection.execute(adding(postgresql.insert(counts).from_select(names, merged), counts, sums))


def copy_rows(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> int:
    """Insert new rows; return how many."""
    written = 0
    with _copy(connection, table, "binary") as copy:
        copy.set_types([column.type.compile(connection.dialect).split()[0].lower() for column in table.columns])
        for row in rows:
            copy.write_row([row[name] for name in table.columns.keys()])  # noqa: SIM118 # of the table, not a dict
            written += 1
    return written


@contextmanager
def _copy(connection: Connection, table: Table, form: str) -> Iterator[Any]:
    quote = connection.dialect.identifier_preparer.quote
    columns = ", ".join(quote(name) for name in table.columns.keys())  # noqa: SIM118
    statement = f"COPY {quote(table.name)} ({columns}) FROM STDIN (FORMAT {form})"
    driver, cursor = connection.dialect.loaded_dbapi, connection.connection.cursor()
    try:
        with cursor.copy(statement) as copy:
            yield copy
    except driver.Error as error:
        # SQLAlchemy has not seen the error: it must not use a connection that is lost.
        if cursor.connection.closed:
            connection.invalidate(error)
        raise DBAPIError.instance(statement, None, error, driver.Error, dialect=connection.dialect) from error
    finally:
        cursor.close()
