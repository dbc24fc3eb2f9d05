"""The write side of the store: one transaction per micro-batch, and the stream that the store belongs to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain, islice
from typing import Any, Final, TypeVar

import pyarrow as pa
from sqlalchemy import Table, select
from sqlalchemy.engine import Connection

from sf_police.errors import SfPoliceError
from sf_police.question import WINDOW_START
from sf_police.store.database import Database
from sf_police.store.tables import FORMAT, Batch

_ROWS_AT_ONCE: Final = 5_000
# A statement's fixed cost would be a quarter of the writing time if each statement wrote one row.
_ROWS_PER_STATEMENT: Final = 50
_Row = TypeVar("_Row")


class StoreWriter:
    """Writes micro-batches into an open store."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def adopt_stream(self, query_id: str, settings: Mapping[str, Any]) -> None:
        """Create the tables, and record the stream they belong to in place of any earlier one."""
        self.database.create()
        streams = self.database.tables.streams
        row = {
            "query_id": query_id,
            "settings": json.dumps(settings, sort_keys=True),
            "format": FORMAT,
            "question": json.dumps(self.database.question.fingerprint),
        }
        with self.database.transaction() as connection:
            connection.execute(streams.delete())
            connection.execute(streams.insert(), row)

    def ensure_owner(self, connection: Connection, query_id: str) -> None:
        """Raise SfPoliceError if the store belongs to another stream by now; until the commit it cannot change hands.

        To be called after the batch is written: in SQLite, a transaction holds the store from its first write on.
        """
        streams = self.database.tables.streams
        found = connection.execute(select(streams.c.query_id).with_for_update(read=True)).scalars().all()
        if found != [query_id]:
            raise SfPoliceError(
                f"{self.database.where} was given to another stream while this one was running; nothing of this batch "
                "was stored",
                remedy="set STATE_DIR to another folder, and STORE to another database or STORE_SCHEMA to another one",
            )

    def update_settings(self, connection: Connection, query_id: str, settings: Mapping[str, Any]) -> None:
        """Replace the settings of the stream."""
        streams = self.database.tables.streams
        values = {"settings": json.dumps(settings, sort_keys=True)}
        connection.execute(streams.update().where(streams.c.query_id == query_id).values(values))

    def write_batch(
        self,
        batch: Batch,
        counts: pa.Table,
        rejected: Iterable[Mapping[str, Any]],
        check: Callable[[Connection], None] | None = None,
    ) -> None:
        """Write a micro-batch in one transaction. Counts are absolute, so a replayed batch overwrites its own rows.

        Args:
            batch: its row in `batches`.
            counts: rows of `counts`, its columns in any order, times as timestamps.
            rejected: rows of `rejected`.
            check: called when all is read and written, before the commit; by raising it undoes everything.

        Raises:
            SfPoliceError: the store or the check fails, or `rejected` yields another number of records than the batch
                says.
        """
        tables = self.database.tables
        with self.database.transaction() as connection:
            self._upsert_counts(connection, counts)
            stored = self._upsert(connection, tables.rejected, rejected)
            if stored != batch.rejected:
                raise SfPoliceError(
                    f"batch {batch.batch_id}: {batch.rejected} records were rejected, but {stored} were found "
                    "when read again; the topic changed in between (retention or compaction), and nothing was stored"
                )
            self._upsert(connection, tables.batches, [batch.row()])
            if check is not None:
                check(connection)

    def _upsert_counts(self, connection: Connection, counts: pa.Table) -> None:
        rows = self._sorted(counts)
        for chunk in _chunks(self._driver_rows(rows)):
            whole = len(chunk) - len(chunk) % _ROWS_PER_STATEMENT
            for part, per_statement in ((chunk[:whole], _ROWS_PER_STATEMENT), (chunk[whole:], 1)):
                if part:
                    values = [chain.from_iterable(part)] * (per_statement * rows.num_columns)
                    connection.exec_driver_sql(self._counts_sql[per_statement], list(zip(*values, strict=True)))

    def _sorted(self, counts: pa.Table) -> pa.Table:
        # The store keeps them by window: in hash order, every row would go to a different page of the table.
        return counts.select(self.database.tables.counts.columns.keys()).sort_by(WINDOW_START)

    def _driver_rows(self, rows: pa.Table) -> Iterator[tuple[Any, ...]]:
        times = [field.name for field in rows.schema if pa.types.is_timestamp(field.type)]
        columns = {name: rows.column(name) for name in rows.column_names}
        table = pa.table({**columns, **{name: self.database.backend.driver_times(columns[name]) for name in times}})
        for start in range(0, table.num_rows, _ROWS_AT_ONCE):
            part = table.slice(start, _ROWS_AT_ONCE)
            yield from zip(*(column.to_pylist() for column in part.columns), strict=True)

    @cached_property
    def _counts_sql(self) -> dict[int, str]:
        # By number of rows. Plain SQL, as SQLAlchemy's processing of values takes four times as long as the store.
        counts = self.database.tables.counts
        statement, row = self.database.backend.insert_or_update(counts), dict.fromkeys(counts.columns.keys())
        return {
            rows: str(statement.values([row] * rows).compile(dialect=self.database.dialect))
            for rows in (1, _ROWS_PER_STATEMENT)
        }

    def _upsert(self, connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> int:
        statement = self.database.backend.insert_or_update(table)
        written = 0
        for chunk in _chunks(rows):
            connection.execute(statement, chunk)
            written += len(chunk)
        return written


def _chunks(rows: Iterable[_Row]) -> Iterator[list[_Row]]:
    remaining = iter(rows)
    while chunk := list(islice(remaining, _ROWS_AT_ONCE)):
        yield chunk
