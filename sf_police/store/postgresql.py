"""The store in PostgreSQL: tables and views in a database; times are timestamps without time zone."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from sqlalchemy import Engine, Table, create_engine
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import URL, Connection

from sf_police.store.backend import upsert


def engine(url: URL) -> Engine:
    """Create the engine; nothing is connected yet."""
    return create_engine(url, paramstyle="format")


def prepare(engine: Engine) -> None:
    """Do nothing: creating the database is up to its administrator."""


def exists(engine: Engine) -> bool:  # noqa: ARG001 # of the protocol
    """Return True: if there is none, connecting fails."""
    return True


def delete(url: URL) -> bool:  # noqa: ARG001 # of the protocol
    """Return False: the database is not ours to delete, so the tables must be dropped."""
    return False


def structure_error(connection: Connection) -> str | None:  # noqa: ARG001 # of the protocol
    """Return None: a server checks its own files."""
    return None


def insert_or_update(table: Table) -> Any:
    """Return the statement that inserts a row, or replaces the one with the same key."""
    return upsert(postgresql.insert(table), table)


def driver_times(times: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column of times as the driver expects them: naive datetimes."""
    return times.cast(pa.timestamp("us"))
