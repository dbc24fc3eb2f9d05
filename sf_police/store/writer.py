"""The write side of the store: one transaction per micro-batch, and the stream that the store belongs to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import ColumnElement, select
from sqlalchemy.engine import Connection

from sf_police import __version__
from sf_police.errors import SfPoliceError, UnbalancedBatchError
from sf_police.question import Question
from sf_police.store.database import Database
from sf_police.store.digest import digest_of_table
from sf_police.store.kept import MOST_OPEN, KeptTotals
from sf_police.store.ownership import fingerprint
from sf_police.store.retention import expire
from sf_police.store.tables import FORMAT, Batch, batch_of_row


class StoreWriter:
    """Writes micro-batches into an open store.

    Args:
        database: the store.
        retention: how long it keeps micro-batches and rejected records one by one; None: for ever.
    """

    def __init__(self, database: Database, retention: timedelta | None = None) -> None:
        self.database, self._retention = database, retention
        self._added = MOST_OPEN  # counts since few were open: at first, any number may be

    def adopt_stream(self, query_id: str, settings: Mapping[str, Any]) -> None:
        """Create the tables, and record the stream they belong to in place of any earlier one."""
        self.database.create()
        streams = self.database.tables.streams
        row = {
            "query_id": query_id,
            "settings": json.dumps(settings, sort_keys=True),
            "format": FORMAT,
            "question": json.dumps(fingerprint(self.database.question)),
        }
        with self._turn() as connection:
            connection.execute(streams.delete())
            connection.execute(streams.insert(), row)

    @contextmanager
    def _turn(self) -> Iterator[Connection]:
        # One transaction after the other, whoever's it is: a second driver sees all that the first has written.
        with self.database.transaction() as connection:
            self.database.backend.take_turn(connection, self.database.schema)
            yield connection

    def ensure_owner(self, connection: Connection, query_id: str) -> None:
        """Raise SfPoliceError if the store belongs to another stream by now; until the commit it cannot change hands.

        To be called after a first write: in SQLite, a transaction holds the store from there on.
        """
        streams = self.database.tables.streams
        found = connection.execute(select(streams.c.query_id).with_for_update(read=True)).scalars().all()
        if found != [query_id]:
            raise SfPoliceError(
                f"{self.database.where} was given to another stream while this one was running; nothing of this batch "
                "was stored",
                remedy="set STATE_DIR to another folder, and STORE to another database or STORE_SCHEMA to another one",
            )

    def stream(self, connection: Connection) -> tuple[str, dict[str, Any]]:
        """Return the query id and settings of the stream that the store belongs to."""
        streams = self.database.tables.streams
        row = connection.execute(select(streams.c.query_id, streams.c.settings)).one()
        return row.query_id, json.loads(row.settings)

    def update_settings(self, connection: Connection, query_id: str, settings: Mapping[str, Any]) -> None:
        """Replace the settings of the stream."""
        streams = self.database.tables.streams
        values = {"settings": json.dumps(settings, sort_keys=True)}
        connection.execute(streams.update().where(streams.c.query_id == query_id).values(values))

    def write_batch(
        self,
        batch: Batch,
        added: pa.Table,
        rejected: Iterable[Mapping[str, Any]],
        check: Callable[[Connection], None] | None = None,
    ) -> None:
        """Write a micro-batch in one transaction; a replayed one is compared with what is stored, and changes nothing.

        Args:
            batch: its row in `batches`; digest, version and `committed_at` are filled in here.
            added: what it adds to `counts`, one row a key, with hashes: columns in any order, times as timestamps.
            rejected: rows of `rejected`; iterated anew if the batch is written again.
            check: called when all is read and written, before the commit; by raising it undoes everything.

        Raises:
            UnbalancedBatchError: `added` or `rejected` has another number of records than the batch says.
            SfPoliceError: the store or the check fails, the batch does not follow the last one, or a replay differs.
        """
        question, batches, backend = self.database.question, self.database.tables.batches, self.database.backend
        digest = digest_of_table(added, question.added_columns)
        batch = replace(batch, digest=digest, version=__version__)
        insert = backend.insert(batches).on_conflict_do_nothing().returning(batches.c.batch_id)
        with self._turn() as connection:
            # The first write: in SQLite, it makes any other writer wait for the file.
            if connection.execute(insert, batch.row()).first() is None:
                self._compare_replay(connection, batch)
                return
            self.ensure_owner(connection, batch.query_id)
            self._ensure_next(connection, batch)
            counted = records_in(added, question)
            if counted != batch.counted:
                raise UnbalancedBatchError(
                    f"batch {batch.batch_id}: Spark says that {batch.counted:,} records were counted, but their counts "
                    f"add up to {counted:,}; nothing was stored",
                    remedy="run again",
                )
            totals = self._totals(connection)
            with totals.changed_by(added):
                backend.add_counts(connection, self.database.tables.counts, added, question.added_columns)
            is_settled = self._is_to_settle(batch, added) and not totals.settle()
            stored = self._insert_rejected(connection, rejected)
            if stored != batch.rejected:
                raise UnbalancedBatchError(
                    f"batch {batch.batch_id}: {batch.rejected:,} records were rejected, but {stored:,} were found when "
                    "read again, as if the topic had changed in between (retention or compaction); nothing was stored",
                    remedy="run again",
                )
            if check is not None:
                check(connection)
            connection.execute(batches.update().where(self._is_row_of(batch)).values(committed_at=_utc_now()))
            expire(connection, self.database.tables, batch, self._retention)
        self._added = 0 if is_settled else self._added + added.num_rows

    def settle(self) -> bool:
        """Settle old windows, so that views need not read their counts; return whether a further call settles more."""
        with self._turn() as connection:
            return self._totals(connection).settle()

    def _totals(self, connection: Connection) -> KeptTotals:
        return KeptTotals(connection, self.database.tables, self.database.question, self.database.schema)

    def _is_to_settle(self, batch: Batch, added: pa.Table) -> bool:
        # Not while more records wait than this micro-batch had: that comes at the end of the run, or once it is ahead.
        is_behind = batch.lag is not None and batch.lag >= batch.read
        return not is_behind and self._added + added.num_rows >= MOST_OPEN

    def _is_row_of(self, batch: Batch) -> ColumnElement[bool]:
        batches = self.database.tables.batches
        return (batches.c.query_id == batch.query_id) & (batches.c.batch_id == batch.batch_id)

    def _compare_replay(self, connection: Connection, batch: Batch) -> None:
        row = select(self.database.tables.batches).where(self._is_row_of(batch))
        stored = batch_of_row(connection.execute(row).mappings().one())
        differing = [name for name, value in batch.outcome.items() if stored.outcome[name] != value]
        if differing:
            values = ", ".join(f"{name} {stored.outcome[name]}, now {batch.outcome[name]}" for name in differing)
            raise SfPoliceError(
                f"batch {batch.batch_id} was stored by version {stored.version or '(unknown)'} of this program, and "
                f"version {batch.version} makes something else of it ({values}); nothing was stored",
                remedy="let the version that stored it finish the batch, then go on with this one, or run `make reset` "
                "(deletes the checkpoint and the store)",
            )

    def _ensure_next(self, connection: Connection, batch: Batch) -> None:
        batches = self.database.tables.batches
        others = select(batches).where(batches.c.batch_id != batch.batch_id)
        row = connection.execute(others.order_by(batches.c.batch_id.desc()).limit(1)).mappings().first()
        last = batch_of_row(row) if row else None
        # A partition that was added in between starts where it starts.
        start = {number: batch.start_offsets.get(number) for number in last.end_offsets} if last else {}
        if batch.batch_id != (last.batch_id + 1 if last else 0) or (last and start != last.end_offsets):
            raise SfPoliceError(
                f"{self.database.where} is at batch {last.batch_id if last else 'none'}, which batch {batch.batch_id} "
                "does not follow: another stream writes there, or one of its checkpoints was replaced; nothing was "
                "stored",
                remedy="end the other stream, then run again; or run `make reset` (deletes the checkpoint and the "
                "store)",
            )

    def _insert_rejected(self, connection: Connection, rows: Iterable[Mapping[str, Any]]) -> int:
        return self.database.backend.add_rows(connection, self.database.tables.rejected, rows)


def records_in(added: pa.Table, question: Question) -> int:
    """Return how many records were counted in what a micro-batch adds."""
    return pc.sum(added.column(question.rows)).as_py() or 0


def _utc_now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
