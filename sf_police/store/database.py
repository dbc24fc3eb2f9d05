"""The store as a database: opens, creates and deletes it, and checks whose it is. SQLite or PostgreSQL, by its URL.

Knows nothing of Spark or Kafka. Rows are written by `writer.py` and read by `answers.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from sf_police.config import STORE_SCHEMA
from sf_police.errors import SfPoliceError, UsageError
from sf_police.question import Question
from sf_police.store import ownership, postgresql, sqlite
from sf_police.store.backend import Backend, Relation, cause, shown, without_password
from sf_police.store.hold import Hold
from sf_police.store.structure import make_missing
from sf_police.store.tables import tables_of

_BACKENDS: Final[dict[str, Backend]] = {"sqlite": sqlite, "sqlite+pysqlite": sqlite, "postgresql+psycopg": postgresql}
_URLS: Final = "sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE"


class Database:
    """A question's store, open."""

    def __init__(self, engine: Engine, backend: Backend, question: Question, schema: str) -> None:
        self.backend, self.question, self.schema = backend, question, schema
        self.tables, self.dialect, self._engine = tables_of(question), engine.dialect, engine
        self._hold: Hold | None = None

    @property
    def where(self) -> str:
        """The store, in words, without its password."""
        schema = f" (schema {self.schema})" if self.dialect.name == "postgresql" else ""
        return f"the store at {shown(self._engine.url)}{schema}"

    def exists(self) -> bool:
        """Return whether the store has its tables; never creates the file.

        Raises:
            SfPoliceError: the database cannot hold a store, or holds something else in its place.
        """
        if not self.backend.exists(self._engine):
            return False
        with self.transaction() as connection:
            reason = self.backend.unusable(connection, self.schema)
            if reason:
                raise SfPoliceError(f"{self.where} {reason}", remedy="set STORE to another database")
            own, foreign = self._own_and_others(connection)
        if foreign and not own:
            raise ownership.foreign_refusal(self.where, foreign)
        with self._errors():
            earlier = None if own else self.backend.earlier_schema(self._engine, self.schema)
        if earlier:
            raise SfPoliceError(
                f"the schema {earlier} at {shown(self._engine.url)} holds a store made by an earlier version of this "
                "program",
                remedy=f"run `make reset STORE_SCHEMA={earlier}` (deletes it and the checkpoint), then run again",
            )
        return self.tables.batches.name in {each.name for each in own}

    def _own_and_others(self, connection: Connection) -> tuple[list[Relation], list[str]]:
        return ownership.own_and_others(connection, self.backend, self.question, self.schema)

    def create(self) -> list[str]:
        """Create what is missing, including the folder; return the names of tables and views that were made."""
        self.exists()
        with self._errors():
            self.backend.prepare(self._engine)
        with self.transaction() as connection:
            return make_missing(connection, self.backend, self.tables, self.question, self.schema)

    def ensure_place(self) -> None:
        """Raise SfPoliceError if this user may not write the store's file, or make it; a server is not asked."""
        self.backend.ensure_writable(self._engine)

    def stream_if_readable(self) -> tuple[str, dict[str, Any]] | None:
        """Return the query id and settings of the store's stream, whatever its format; None if there is none."""
        if not self.backend.exists(self._engine):
            return None
        streams = self.tables.streams
        try:
            with self.transaction() as connection:
                if streams.name in {each.name for each in self._own_and_others(connection)[0]}:
                    row = connection.execute(select(streams.c.query_id, streams.c.settings)).first()
                    return (row.query_id, json.loads(row.settings)) if row else None
        except (SfPoliceError, ValueError):
            pass  # damaged or out of reach: whoever uses it next says so
        return None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the store for one stream, or for its deletion. Raises SfPoliceError while another stream holds it."""
        with self._errors():
            self._hold = self.backend.hold(self._engine, self.schema, self.where)
        with closing(self._hold):
            yield

    def keep_held(self) -> None:
        """Hold the store again, if the server has let go of it. Raises SfPoliceError if another stream holds it."""
        with self._errors():
            if self._hold:
                self._hold.keep()

    def is_held(self) -> bool:
        """Return whether a stream is running into the store, even before it exists; takes and creates nothing."""
        with self._errors():
            return self.backend.is_held(self._engine, self.schema)

    def is_there(self) -> bool:
        """Return whether there is a database with tables of ours, or one that cannot be read."""
        if not self.backend.exists(self._engine):
            return False
        try:
            with self.transaction() as connection:
                return bool(self._own_and_others(connection)[0])
        except SfPoliceError:
            return True

    def drop(self) -> list[str]:
        """Delete our tables and views, and their schema or file if nothing else is in it; return what is left.

        Raises:
            SfPoliceError: something of others depends on them, or nothing in this place is ours; nothing was deleted.
        """
        if not self.backend.exists(self._engine):
            return []
        with self.transaction() as connection:
            own, left = self._own_and_others(connection)
            if left and not own:
                raise ownership.foreign_refusal(self.where, left)
        url = self._engine.url
        if not left and (own or self.backend.is_ours_if_unreadable(url)):
            self.close()
            if self.backend.delete_file(url):
                return []
        with self.transaction() as connection:
            ownership.drop_relations(connection, own)
            self.backend.unmark(connection, self.schema)
        return left

    def refusal(self) -> SfPoliceError | None:
        """Return why this program must not use the store (another format or question); None if it may."""
        with self.transaction() as connection:
            what = ownership.mismatch(connection, self.tables.streams, self.question)
        if what is None:
            return None
        return SfPoliceError(
            f"{self.where} {what}",
            remedy="set STATE_DIR to another folder (and STORE, if it is set), or run `make reset` "
            "(deletes the checkpoint and the store)",
        )

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Connect for one transaction, committed at its end. Raises SfPoliceError if the database fails."""
        with self._errors(), self._engine.begin() as connection:
            self.backend.begin(connection, self.schema)
            yield connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            known = self.backend.explain(self._engine, error, self.where)
            raise known or SfPoliceError(f"{self.where}: {cause(error)}") from error

    def rows(self, query: Any) -> list[dict[str, Any]]:
        """Return all rows of a query."""
        with self.transaction() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def open_database(url: str, question: Question, schema: str = STORE_SCHEMA, *, is_read_only: bool = False) -> Database:
    """Open the store; it need not exist yet. Where it is read-only, the database refuses every write.

    Raises:
        UsageError: the URL is invalid, or its driver is not installed.
    """
    try:
        parsed = make_url(url)
        backend = _BACKENDS.get(parsed.drivername)
        if backend is None or (backend is sqlite and not parsed.database):
            raise UsageError(f"STORE={shown(parsed)}: expected {_URLS}")
        if backend is sqlite and parsed.query:
            raise UsageError(f"STORE={parsed}: an SQLite store takes no options", remedy="leave out what follows the ?")
        engine = backend.engine(parsed)
        return Database(backend.read_only(engine) if is_read_only else engine, backend, question, schema)
    except ModuleNotFoundError as error:
        what = f"STORE={without_password(url)} needs a driver that is not installed ({error})"
        raise UsageError(what, remedy="install the extra `postgresql`") from error
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise UsageError(f"STORE={without_password(url)}: expected {_URLS}") from error


def existing_database(url: str, question: Question, schema: str = STORE_SCHEMA) -> Database:
    """Open a store that a stream has made. Raises SfPoliceError if there is none, or it is another question's."""
    database = open_database(url, question, schema)
    if not database.exists():
        raise SfPoliceError(f"no {database.where.removeprefix('the ')}", remedy="run `make run-stream`")
    refusal = database.refusal()
    if refusal:
        raise refusal
    return database


def delete_database(url: str, question: Question, schema: str = STORE_SCHEMA, *, is_known: bool = False) -> list[str]:
    """Delete the store, if there is one: SQLite's files, or our own tables and views in PostgreSQL.

    Args:
        url: of the store.
        question: any; the tables of all questions have the same names.
        schema: PostgreSQL's.
        is_known: whether a checkpoint of ours names this store, which proves that a damaged file is ours.

    Returns:
        Names of others' tables and views in the same place, which were left.

    Raises:
        SfPoliceError: it is not ours, or others' views depend on it; nothing was deleted.
    """
    with closing(open_database(url, question, schema)) as database:
        try:
            return database.drop()
        except SfPoliceError as error:
            parsed = make_url(url)
            if not ownership.is_unreadable(error):
                raise
            if not is_known and not database.backend.is_ours_if_unreadable(parsed):
                raise SfPoliceError(
                    f"{database.where} cannot be read, and nothing proves that it is ours; it is untouched",
                    remedy="delete it yourself, or set STORE to the stream's",
                ) from error
            database.close()
            database.backend.delete_file(parsed)
            return []
