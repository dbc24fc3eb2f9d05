"""The store in PostgreSQL: tables and views in a schema of their own; times are timestamps without time zone."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import pyarrow as pa
from sqlalchemy import Engine, Table, create_engine, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import DBAPIError

from sf_police.errors import SfPoliceError
from sf_police.store.backend import MARK, Relation, gone
from sf_police.store.hold import Hold, ServerHold, is_server_held

LOCK_TIMEOUT: Final = "10s"
_ENCODING: Final = "UTF8"
# Codes of PostgreSQL's errors.
_IS_LOCKED: Final = "55P03"
_HAS_DEPENDENTS: Final = "2BP01"
_IS_READ_ONLY: Final = "25006"
_IS_GONE: Final = ("42P01", "3F000")

_RELATIONS: Final = text("""
    SELECT c.relname, c.relkind IN ('v', 'm') AS is_view,
        COALESCE(obj_description(c.oid, 'pg_class') LIKE :mark || '%', FALSE) AS is_marked
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = :schema AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') ORDER BY c.relname""")
# Before there was a schema of our own, the first one in the search_path was taken, and nothing was marked.
_EARLIER: Final = text("""
    SELECT n.nspname FROM pg_namespace AS n
    JOIN pg_class AS s ON s.relnamespace = n.oid AND s.relname = 'streams'
    JOIN pg_class AS b ON b.relnamespace = n.oid AND b.relname = 'batches'
    JOIN pg_attribute AS a ON a.attrelid = s.oid AND a.attname = 'settings'
    JOIN pg_attribute AS o ON o.attrelid = b.oid AND o.attname = 'end_offsets'
    WHERE n.nspname = ANY (current_schemas(FALSE)) AND n.nspname <> :schema
    AND COALESCE(obj_description(s.oid, 'pg_class'), '') NOT LIKE :mark || '%'""")


def engine(url: URL) -> Engine:
    """Create the engine; nothing is connected yet."""
    # Without prepared statements: behind a pooler (PgBouncer), the next transaction may be on another connection. The
    # ping lets an idle stream survive a restart of the server.
    options = {"prepare_threshold": None, "client_encoding": "utf8"}
    # READ COMMITTED, whatever the server's default: a replay sees the batch that another driver has just stored.
    return create_engine(
        url, paramstyle="format", connect_args=options, pool_pre_ping=True, isolation_level="READ COMMITTED"
    )


def read_only(engine: Engine) -> Engine:
    """Return the engine with transactions that are read-only."""
    return engine.execution_options(postgresql_readonly=True)


def exists(engine: Engine) -> bool:  # noqa: ARG001 # of the protocol
    """Return True: if there is none, connecting fails."""
    return True


def prepare(engine: Engine) -> None:
    """Do nothing: creating the database is up to its administrator."""


def hold(engine: Engine, schema: str, where: str) -> Hold:
    """Hold a lock of the server's."""
    return ServerHold(engine, schema, where)


def is_held(engine: Engine, schema: str) -> bool:
    """Return whether a stream holds that lock."""
    return is_server_held(engine, schema)


def begin(connection: Connection, schema: str) -> None:
    """Find all names in our schema, and wait for no lock for ever."""
    query = text("SELECT set_config('search_path', :schema, TRUE), set_config('lock_timeout', :timeout, TRUE)")
    connection.execute(query, {"schema": f'"{schema}"', "timeout": LOCK_TIMEOUT})


def unusable(connection: Connection) -> str | None:
    """Return why, if the database cannot hold every character, or returns text as bytes."""
    found = connection.execute(text("SHOW server_encoding")).scalar()
    return None if found == _ENCODING else f"has the encoding {found}, but this program needs {_ENCODING}"


def relations(connection: Connection, schema: str) -> list[Relation]:
    """Return what is in the schema; each of ours has the mark in its comment."""
    rows = connection.execute(_RELATIONS, {"schema": schema, "mark": MARK}).all()
    return [Relation(name, is_view, is_marked) for name, is_view, is_marked in rows]


def earlier_schema(engine: Engine, schema: str) -> str | None:
    """Return the schema of a store that an earlier version made, where that version would look for it."""
    with engine.begin() as connection:
        return connection.execute(_EARLIER, {"schema": schema, "mark": MARK}).scalar()


def mark(connection: Connection, schema: str) -> None:
    """Create the schema, and mark it as ours; one that the administrator has made is used as it is."""
    if connection.execute(text("SELECT to_regnamespace(:schema)"), {"schema": f'"{schema}"'}).scalar() is None:
        connection.execute(text(f'CREATE SCHEMA "{schema}"'))
        connection.execute(text(f"COMMENT ON SCHEMA \"{schema}\" IS '{MARK}'"))


def unmark(connection: Connection, schema: str) -> None:
    """Drop the schema if we made it and nothing is left in it."""
    query = text("SELECT obj_description(to_regnamespace(:schema), 'pg_namespace')")
    comment = connection.execute(query, {"schema": f'"{schema}"'}).scalar()
    if comment == MARK and not relations(connection, schema):
        # What else is in it (functions, types) makes this fail, and stays.
        savepoint = connection.begin_nested()
        try:
            connection.execute(text(f'DROP SCHEMA "{schema}"'))
            savepoint.commit()
        except DBAPIError:
            savepoint.rollback()


def delete_file(url: URL) -> bool:  # noqa: ARG001 # of the protocol
    """Return False: the database is not ours to delete, so the tables must be dropped."""
    return False


def is_ours_if_unreadable(url: URL) -> bool:  # noqa: ARG001 # of the protocol
    """Return False: what a server does not show cannot be ours."""
    return False


def structure_error(connection: Connection) -> str | None:  # noqa: ARG001 # of the protocol
    """Return None: a server checks its own files."""
    return None


def replace_view(connection: Connection, name: str, query: str) -> None:
    """Create the view, or replace one of another text. The server rewrites the text, so its digest is kept beside it.

    A view that stays, or has the same columns, keeps its GRANTs and what depends on it.
    """
    comment = f"{MARK} {hashlib.sha256(query.encode()).hexdigest()[:16]}"
    found = text("SELECT obj_description(to_regclass(:name), 'pg_class')")
    if connection.execute(found, {"name": name}).scalar() == comment:
        return
    savepoint = connection.begin_nested()
    try:
        connection.execute(text(f"CREATE OR REPLACE VIEW {name} AS {query}"))
        savepoint.commit()
    except DBAPIError as error:
        savepoint.rollback()
        if _code(error) == _IS_LOCKED:
            raise
        connection.execute(text(f"DROP VIEW {name}"))  # other columns
        connection.execute(text(f"CREATE VIEW {name} AS {query}"))
    connection.execute(text(f"COMMENT ON VIEW {name} IS '{comment}'"))


def explain(engine: Engine, error: BaseException, where: str) -> SfPoliceError | None:  # noqa: ARG001 # of the protocol
    """Return who is in the way: a reader in a transaction, somebody's view on ours, or a read-only server."""
    code = _code(error)
    if code in _IS_GONE:
        return gone(where, error)
    if code == _IS_LOCKED:
        return SfPoliceError(
            f"{where} is locked by another connection's open transaction, after {LOCK_TIMEOUT} of waiting",
            remedy="end that transaction (it is in pg_stat_activity, perhaps `idle in transaction`), then run again",
        )
    if code == _HAS_DEPENDENTS:
        detail = str(getattr(getattr(error, "orig", None), "diag", None) and error.orig.diag.message_detail)  # type: ignore[attr-defined]
        return SfPoliceError(
            f"{where}: {detail.splitlines()[0]}, so nothing was dropped", remedy="drop that first, then run again"
        )
    if code == _IS_READ_ONLY:
        return SfPoliceError(f"{where} is read-only", remedy="set STORE to a server that takes writes")
    return None


def _code(error: BaseException) -> str | None:
    return getattr(getattr(error, "orig", None), "sqlstate", None)


def insert(table: Table) -> Any:
    """Return the dialect's INSERT."""
    return postgresql.insert(table)


def driver_times(times: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column of times as the driver expects them: naive datetimes."""
    return times.cast(pa.timestamp("us"))
