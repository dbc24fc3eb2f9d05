"""The store as a database: opens, creates and deletes it, and checks whose it is. SQLite or PostgreSQL, by its URL.

Knows nothing of Spark or Kafka. Rows are written by `writer.py` and read by `answers.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import inspect, select, text
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from sf_police.errors import SfPoliceError, UsageError
from sf_police.question import Question
from sf_police.store import postgresql, sqlite
from sf_police.store.backend import Backend
from sf_police.store.tables import FORMAT, tables_of
from sf_police.store.views import queries

_BACKENDS: Final[dict[str, Backend]] = {"sqlite": sqlite, "postgresql": postgresql}
_URLS: Final = "sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE"


class Database:
    """A question's store, open."""

    def __init__(self, url: URL, backend: Backend, question: Question) -> None:
        self.backend, self.question = backend, question
        self.tables = tables_of(question)
        self._engine = backend.engine(url)

    @property
    def dialect(self) -> Any:
        """SQLAlchemy's dialect."""
        return self._engine.dialect

    def exists(self) -> bool:
        """Return whether the store has its tables; never creates the file."""
        if not self.backend.exists(self._engine):
            return False
        with self.transaction() as connection:
            return inspect(connection).has_table(self.tables.batches.name)

    def create(self) -> None:
        """Create what is missing, including the folder; re-create a view whose text differs from `answers.sql`."""
        self.backend.prepare(self._engine)
        with self.transaction() as connection:
            self.tables.metadata.create_all(connection)
            existing = inspect(connection).get_view_names()
            for name, query in queries(self.question.answers).items():
                definition = inspect(connection).get_view_definition(name) if name in existing else ""
                if (definition or "").endswith(query):
                    continue
                connection.execute(text(f"DROP VIEW IF EXISTS {name}"))
                connection.execute(text(f"CREATE VIEW {name} AS {query}"))

    def drop(self) -> None:
        """Delete the question's views and tables."""
        with self.transaction() as connection:
            for name in queries(self.question.answers):
                connection.execute(text(f"DROP VIEW IF EXISTS {name}"))
            self.tables.metadata.drop_all(connection)

    def refusal(self) -> SfPoliceError | None:
        """Return why this program must not use the store (another format or question); None if it may."""
        streams = self.tables.streams
        with self.transaction() as connection:
            columns = [column["name"] for column in inspect(connection).get_columns(streams.name)]
            if not {"format", "question"} <= set(columns):
                return self._refusal("was made by an earlier version of this program")
            found = connection.execute(select(streams.c.format, streams.c.question)).first()
        if found is None:
            return None
        if found.format != FORMAT:
            return self._refusal(f"has format {found.format}, but this program needs format {FORMAT}")
        theirs, ours = json.loads(found.question), json.loads(json.dumps(self.question.fingerprint))
        if theirs["name"] != ours["name"]:
            return self._refusal(f"answers the question {theirs['name']}, not {ours['name']}")
        differing = [name for name in ours if theirs.get(name) != ours[name]]
        if differing:
            return self._refusal(
                f"was made with another definition of {ours['name']} (changed: {', '.join(differing)})"
            )
        return None

    def _refusal(self, what: str) -> SfPoliceError:
        return SfPoliceError(
            f"the store at {self._engine.url} {what}",
            remedy="set STATE_DIR to another folder (and STORE, if it is set), or run `make reset` "
            "(deletes the checkpoint and the store)",
        )

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Connect for one transaction, committed at its end. Raises SfPoliceError if the database fails."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise SfPoliceError(f"the store at {self._engine.url}: {_cause(error)}") from error

    def rows(self, query: Any) -> list[dict[str, Any]]:
        """Return all rows of a query."""
        with self.transaction() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def open_database(url: str, question: Question) -> Database:
    """Open the store; it need not exist yet.

    Raises:
        UsageError: the URL is invalid, or its driver is not installed.
    """
    try:
        parsed = make_url(url)
        backend = _BACKENDS.get(parsed.get_backend_name())
        if backend is None or (backend is sqlite and not parsed.database):
            raise UsageError(f"STORE={parsed}: expected {_URLS}")
        return Database(parsed, backend, question)
    except ModuleNotFoundError as error:
        what = f"STORE={_without_password(url)} needs a driver that is not installed ({error})"
        raise UsageError(what, remedy="install the extra `postgresql`") from error
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise UsageError(f"STORE={_without_password(url)}: expected {_URLS}") from error


def existing_database(url: str, question: Question) -> Database:
    """Open a store that a stream has made. Raises SfPoliceError if there is none, or it is another question's."""
    database = open_database(url, question)
    if not database.exists():
        raise SfPoliceError(f"no store at {make_url(url)}", remedy="run `make run-stream` first")
    refusal = database.refusal()
    if refusal:
        database.close()
        raise refusal
    return database


def delete_database(url: str, question: Question) -> None:
    """Delete the store, if there is one: SQLite's files, or our own tables and views in PostgreSQL."""
    database = open_database(url, question)
    if not database.backend.delete(make_url(url)):
        database.drop()
    database.close()


def _without_password(url: str) -> str:
    # For a URL that SQLAlchemy cannot parse, and so cannot mask. Passwords may contain any character.
    return re.sub(r"(?s)\?.*", "?***", re.sub(r"(?s)//.*@", "//***@", url))


def _cause(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]
