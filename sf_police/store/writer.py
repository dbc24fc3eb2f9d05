"""The store: the transaction of a micro-batch, the views that answer, and the books. Its tables are in `tables.py`.

SQLite or PostgreSQL, by the SQLAlchemy URL. Times are wall clock: `YYYY-MM-DD HH:MM:SS` text in SQLite, timestamp
without time zone in PostgreSQL. Knows nothing of Spark or Kafka.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import (
    Column,
    Engine,
    Insert,
    MetaData,
    Table,
    create_engine,
    event,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.types import NullType

from sf_police.errors import SfPoliceError, UsageError
from sf_police.store.tables import BATCHES, COUNTS, METADATA, REJECTED, STREAMS, Batch, Books, Offsets, WallClock
from sf_police.store.views import queries

_BUSY_TIMEOUT_MS: Final = 30_000
_ROWS_AT_ONCE: Final = 5_000
# What a statement takes before it comes to its rows is a quarter of the write when each is for one.
_ROWS_IN_A_STATEMENT: Final = 50
_Row = TypeVar("_Row")


class Store:
    """An open store."""

    def __init__(self, engine: Engine, path: Path | None) -> None:
        self._engine = engine
        self._path = path  # of SQLite's file
        self._dialect = engine.dialect.name

    def create_tables(self) -> None:
        """Create what is missing, its folder included; views other than those of `answers.sql` are made anew."""
        if self._path:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise SfPoliceError(f"cannot make the store's folder {self._path.parent}: {error.strerror}") from error
        with self._errors(), self._engine.begin() as connection:
            METADATA.create_all(connection)
            existing = inspect(connection).get_view_names()
            for name, query in queries().items():
                definition = inspect(connection).get_view_definition(name) if name in existing else ""
                if (definition or "").endswith(query):
                    continue
                connection.execute(text(f"DROP VIEW IF EXISTS {name}"))
                connection.execute(text(f"CREATE VIEW {name} AS {query}"))

    def is_made(self) -> bool:
        """Whether it has its tables. Looking makes nothing."""
        if self._path and not self._path.exists():
            return False
        with self._errors(), self._engine.connect() as connection:
            return inspect(connection).has_table(BATCHES.name)

    def drop_tables(self) -> None:
        """Delete the project's views and tables."""
        with self._errors(), self._engine.begin() as connection:
            for name in queries():
                connection.execute(text(f"DROP VIEW IF EXISTS {name}"))
            METADATA.drop_all(connection)

    def write_batch(
        self, batch: Batch, counts: Iterable[tuple[Any, ...]], rejected: Iterable[Mapping[str, Any]]
    ) -> None:
        """Write a micro-batch in one transaction. Counts are absolute, so a replayed batch overwrites its own rows.

        Args:
            batch: its row in `batches`.
            counts: rows of `counts`, in the order of its columns; times as `YYYY-MM-DD HH:MM:SS`. The fastest when
                they are in the order of their windows.
            rejected: rows of `rejected`.

        Raises:
            SfPoliceError: the store cannot take it, or `rejected` gives another number of records than the batch says.
        """
        with self._errors(), self._engine.begin() as connection:
            self._upsert_counts(connection, counts)
            stored = self._upsert(connection, REJECTED, rejected)
            if stored != batch.rejected:
                raise SfPoliceError(
                    f"batch {batch.batch_id}: {batch.rejected} records were rejected, but {stored} found on reading "
                    "them again: the topic changes under the stream (retention or compaction); nothing was stored"
                )
            self._upsert(connection, BATCHES, [batch.row()])

    def _upsert_counts(self, connection: Connection, rows: Iterable[tuple[Any, ...]]) -> None:
        for chunk in _chunks(rows):
            whole = len(chunk) - len(chunk) % _ROWS_IN_A_STATEMENT
            for part, in_a_statement in ((chunk[:whole], _ROWS_IN_A_STATEMENT), (chunk[whole:], 1)):
                if part:
                    values = [chain.from_iterable(part)] * (in_a_statement * len(COUNTS.columns))
                    connection.exec_driver_sql(self._counts_sql[in_a_statement], list(zip(*values, strict=True)))

    @cached_property
    def _counts_sql(self) -> dict[int, str]:
        # By number of rows. Text, as SQLAlchemy's processing of each value takes four times as long as the store does.
        upsert, row = self._upsert_statement(COUNTS), dict.fromkeys(COUNTS.columns.keys())
        return {
            rows: str(upsert.values([row] * rows).compile(dialect=self._engine.dialect))
            for rows in (1, _ROWS_IN_A_STATEMENT)
        }

    def _upsert_statement(self, table: Table) -> Insert:
        insert = (postgresql if self._dialect == "postgresql" else sqlite).insert(table)
        keys = list(table.primary_key.columns)
        others = {column.name: insert.excluded[column.name] for column in table.columns if column not in keys}
        statement: Insert = insert.on_conflict_do_update(index_elements=keys, set_=others)
        return statement

    def _upsert(self, connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> int:
        statement = self._upsert_statement(table)
        written = 0
        for chunk in _chunks(rows):
            connection.execute(statement, chunk)
            written += len(chunk)
        return written

    def adopt_stream(self, query_id: str, settings: Mapping[str, Any]) -> None:
        """Make the tables, and remember the stream that they belong to, in place of any before."""
        self.create_tables()
        with self._errors(), self._engine.begin() as connection:
            connection.execute(STREAMS.delete())
            connection.execute(
                STREAMS.insert(), {"query_id": query_id, "settings": json.dumps(settings, sort_keys=True)}
            )

    def stream(self) -> tuple[str, dict[str, Any]] | None:
        """Query id and settings of the stream that this store belongs to; None when it is new."""
        rows = self._rows(select(STREAMS)) if self.is_made() else []
        return (rows[0]["query_id"], json.loads(rows[0]["settings"])) if rows else None

    def last_batches(self, limit: int) -> list[Batch]:
        """The latest batches, newest first."""
        rows = self._rows(select(BATCHES).order_by(BATCHES.c.batch_id.desc()).limit(limit))
        return [_batch(row) for row in rows]

    def damage(self) -> str | None:
        """What is wrong with the store as it lies there: its file's structure, or its books; None when nothing is."""
        if self._path:
            [found] = self._rows(text("PRAGMA quick_check(1)"))
            if found["quick_check"] != "ok":
                return str(found["quick_check"]).splitlines()[-1]
        return None if self.books().is_balanced else "its books do not balance"

    def books(self) -> Books:
        """The books of everything that this store holds, from its tables alone."""
        names = ("read", "counted", "duplicates", "late", "rejected")
        sums = self._rows(select(*(func.coalesce(func.sum(BATCHES.c[name]), 0).label(name) for name in names)))[0]
        calls = self._rows(select(func.coalesce(func.sum(COUNTS.c.calls), 0).label("n")))[0]["n"]
        rejected = self._rows(select(func.count().label("n")).select_from(REJECTED))[0]["n"]
        spans = self._rows(select(BATCHES.c.start_offsets, BATCHES.c.end_offsets).order_by(BATCHES.c.batch_id))
        offsets = _span(json.loads(spans[0]["start_offsets"]), json.loads(spans[-1]["end_offsets"])) if spans else 0
        totals = {name: int(sums[name]) for name in names}
        return Books(offsets=offsets, **totals, stored_calls=int(calls), stored_rejected=int(rejected))

    def answers(
        self, view: str, *, order_by: str, limit: int | None = None, since: datetime | None = None
    ) -> list[dict[str, Any]]:
        """Rows of a view of `answers.sql`, in the order of the columns named; of windows, those that start `since`."""
        columns = _ANSWER_COLUMNS[view]
        table = Table(
            view,
            MetaData(),
            *(Column(name, WallClock() if name.startswith("window_") else NullType()) for name in columns),
        )
        query = select(table).order_by(text(order_by)).limit(limit)
        return self._rows(query if since is None else query.where(table.c.window_start >= since))

    def all_counts(self) -> list[dict[str, Any]]:
        """Every row of `counts`."""
        return self._rows(select(COUNTS))

    def window_counts(self, window_start: datetime) -> list[dict[str, Any]]:
        """Calls per crime type and resolution of one window, most first."""
        query = select(COUNTS).where(COUNTS.c.window_start == window_start)
        return self._rows(query.order_by(COUNTS.c.calls.desc(), COUNTS.c.crime_type, COUNTS.c.resolution))

    def newest_windows(self, limit: int) -> list[dict[str, Any]]:
        """The answer of the latest windows, newest first."""
        starts = select(COUNTS.c.window_start).distinct().order_by(COUNTS.c.window_start.desc()).limit(limit)
        newest = [row["window_start"] for row in self._rows(starts)]
        # The bound reaches into the view: the rest of the store is not looked at.
        return self.answers("window_answers", order_by="window_start DESC", since=newest[-1]) if newest else []

    def rejected(self, limit: int) -> list[dict[str, Any]]:
        """The first rejected records, in the order of partition and offset."""
        return self._rows(select(REJECTED).order_by(REJECTED.c.partition, REJECTED.c.offset).limit(limit))

    def is_empty(self) -> bool:
        """Whether nothing was ever stored."""
        return not self.is_made() or not self.last_batches(1)

    def _rows(self, query: Any) -> list[dict[str, Any]]:
        with self._errors(), self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise SfPoliceError(f"the store at {self._engine.url}: {_cause(error)}") from error

    def close(self) -> None:
        """Let go of the store."""
        self._engine.dispose()


_ANSWER_COLUMNS: Final = {
    "window_answers": (
        "window_start", "window_end", "calls", "crime_types", "usual_resolution", "usual_resolution_calls",
    ),
    "crime_type_answers": ("crime_type", "calls", "windows", "usual_resolution", "usual_resolution_calls"),
    "overall_answer": ("calls", "windows", "crime_types", "usual_resolution", "usual_resolution_calls"),
}  # fmt: skip


def open_store(url: str) -> Store:
    """Open the store; it need not be there yet.

    Raises:
        UsageError: the URL is none, or its driver is not installed.
    """
    try:
        parsed = make_url(url)
        is_sqlite = parsed.get_backend_name() == "sqlite"
        if not (is_sqlite and parsed.database) and parsed.get_backend_name() != "postgresql":
            raise UsageError(f"STORE={parsed}: it takes sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE")
        # By position in either, so that `_upsert_counts` can give rows as they come.
        engine = create_engine(parsed, paramstyle="qmark" if is_sqlite else "format")
    except ModuleNotFoundError as error:
        raise UsageError(f"STORE needs a driver ({error}): pip install 'sf-police[postgresql]'") from error
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise UsageError("STORE: it takes sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE") from error
    if is_sqlite:
        event.listen(engine, "connect", _set_pragmas)
    return Store(engine, Path(str(parsed.database)) if is_sqlite else None)


def existing_store(url: str) -> Store:
    """Open a store that a stream has made. Raises SfPoliceError when there is none."""
    store = open_store(url)
    if not store.is_made():
        raise SfPoliceError(f"no store at {make_url(url)}: try `make run-stream` first")
    return store


def _set_pragmas(connection: Any, _: Any) -> None:
    # WAL: readers (`answer`, a dashboard) and the stream do not block each other. FULL: the stream's checkpoint must
    # never be ahead of the store, not even after the power fails.
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def delete_store(url: str) -> None:
    """Delete the store: SQLite's files, or our own tables and views in PostgreSQL. Fine when there is none."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{parsed.database}{suffix}").unlink(missing_ok=True)
        return
    store = open_store(url)
    store.drop_tables()
    store.close()


def _batch(row: Mapping[str, Any]) -> Batch:
    offsets = {name: json.loads(row[name]) for name in ("start_offsets", "end_offsets")}
    return Batch(**{**row, **offsets})


def _span(start: Offsets, end: Offsets) -> int:
    return sum(end.values()) - sum(start.get(partition, 0) for partition in end)


def _chunks(rows: Iterable[_Row]) -> Iterator[list[_Row]]:
    rest = iter(rows)
    while chunk := list(islice(rest, _ROWS_AT_ONCE)):
        yield chunk


def _cause(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]
