"""The store in PostgreSQL: tables and views in a schema of their own; times are timestamps without time zone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Any, Final
from urllib.parse import unquote

import pyarrow as pa
from sqlalchemy import Engine, Table, create_engine, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import DBAPIError

from sf_police.errors import SfPoliceError
from sf_police.store.backend import MARK, Relation
from sf_police.store.copying import LEAST_ROWS, copy_counts, copy_rows
from sf_police.store.hold import KEEPALIVES, Hold, ServerHold, is_server_held, take_server_turn
from sf_police.store.inserting import insert_counts, insert_rows
from sf_police.store.privileges import IS_DENIED, ensure_usage
from sf_police.store.server_errors import IS_LOCKED, code_of, explained

LOCK_TIMEOUT: Final = "10s"
# Of the client: to connect, and for a machine that does not acknowledge what it is sent (milliseconds, Linux only).
_WAITS: Final = {
    "connect_timeout": "10", "tcp_user_timeout": "30000",
    "keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3",
}  # fmt: skip
_ENCODING: Final = "UTF8"

_SET: Final = text(
    "SELECT "
    + ", ".join(f"set_config('{name}', :{name}, TRUE)" for name in ("search_path", "lock_timeout", *KEEPALIVES))
)
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
    options = {**_waits(url), "prepare_threshold": None, "client_encoding": "utf8"}
    if url.host and url.host.lower().startswith("%2f"):
        options["host"] = unquote(url.host)  # a socket's folder, as libpq's own URLs have it
    # READ COMMITTED, whatever the server's default: a replay sees the batch that another driver has just stored.
    return create_engine(
        url, paramstyle="format", connect_args=options, pool_pre_ping=True, isolation_level="READ COMMITTED"
    )


def _waits(url: URL) -> dict[str, str]:
    """Return how long the client waits for a server that does not answer, but for what its user has settled."""
    # The driver itself reads PG… in the environment and service files, and an option that we give would win over them.
    from psycopg.pq import Conninfo

    settled = {option.keyword.decode() for option in Conninfo.get_defaults() if option.val is not None} | set(url.query)
    return {name: value for name, value in _WAITS.items() if not {name, "service"} & settled}


def read_only(engine: Engine) -> Engine:
    """Return the engine with transactions that are read-only."""
    return engine.execution_options(postgresql_readonly=True)


def exists(engine: Engine) -> bool:  # noqa: ARG001 # of the protocol
    """Return True: if there is none, connecting fails."""
    return True


def prepare(engine: Engine) -> None:
    """Do nothing: creating the database is up to its administrator."""


def ensure_writable(engine: Engine) -> None:
    """Do nothing: there is no file of ours."""


def hold(engine: Engine, schema: str, where: str) -> Hold:
    """Hold a lock of the server's."""
    return ServerHold(engine, schema, where)


def is_held(engine: Engine, schema: str) -> bool:
    """Return whether a stream holds that lock."""
    return is_server_held(engine, schema)


def begin(connection: Connection, schema: str) -> None:
    """Find all names in our schema, wait for no lock for ever, and leave none behind where a machine fails."""
    settings = {"search_path": f'"{schema}"', "lock_timeout": LOCK_TIMEOUT, **KEEPALIVES}
    connection.execute(_SET, settings)


def take_turn(connection: Connection, schema: str) -> None:
    """Take a lock of the server's that ends with the transaction."""
    take_server_turn(connection, schema)


def unusable(connection: Connection, schema: str) -> str | None:
    """Return why, if the database cannot hold every character, or returns text as bytes."""
    ensure_usage(connection, schema)
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


def is_large(connection: Connection) -> bool:  # noqa: ARG001 # of the protocol
    """Return False: nothing is read for that."""
    return False


def structure_error(connection: Connection) -> str | None:  # noqa: ARG001 # of the protocol
    """Return None: a server checks its own files."""
    return None


def replace_view(connection: Connection, name: str, query: str) -> bool:
    """Create the view, or replace one of another text. The server rewrites the text, so its digest is kept beside it.

    A view that stays, or has the same columns, keeps its GRANTs and what depends on it. Return whether it was made.
    """
    comment = f"{MARK} {hashlib.sha256(query.encode()).hexdigest()[:16]}"
    found = text("SELECT obj_description(to_regclass(:name), 'pg_class')")
    if connection.execute(found, {"name": name}).scalar() == comment:
        return False
    savepoint = connection.begin_nested()
    try:
        connection.execute(text(f"CREATE OR REPLACE VIEW {name} AS {query}"))
        savepoint.commit()
    except DBAPIError as error:
        savepoint.rollback()
        if code_of(error) in (IS_LOCKED, IS_DENIED):
            raise
        connection.execute(text(f"DROP VIEW {name}"))  # other columns
        connection.execute(text(f"CREATE VIEW {name} AS {query}"))
    connection.execute(text(f"COMMENT ON VIEW {name} IS '{comment}'"))
    return True


def explain(engine: Engine, error: BaseException, where: str) -> SfPoliceError | None:  # noqa: ARG001 # of the protocol
    """Return who is in the way, or what is wrong with the connection."""
    return explained(error, where, lock_timeout=LOCK_TIMEOUT)


def insert(table: Table) -> Any:
    """Return the dialect's INSERT."""
    return postgresql.insert(table)


def add_counts(connection: Connection, counts: Table, added: pa.Table, sums: Sequence[str]) -> None:
    """Add rows to those of the same key: many by COPY, a few by INSERT."""
    if added.num_rows < LEAST_ROWS:
        insert_counts(connection, counts, added, sums, insert=insert, driver_times=driver_times)
    else:
        copy_counts(connection, counts, added, sums)


def add_rows(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> int:
    """Insert new rows: many by COPY, a few by INSERT. Return their number."""
    remaining = iter(rows)
    first = list(islice(remaining, LEAST_ROWS))
    if len(first) < LEAST_ROWS:
        return insert_rows(connection, table, first)
    return copy_rows(connection, table, chain(first, remaining))


def driver_times(times: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column of times as the driver expects them: naive datetimes."""
    return times.cast(pa.timestamp("us"))
