"""The store in PostgreSQL: tables and views of a database; times are timestamps without time zone."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from sqlalchemy import Engine, Table, create_engine
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import URL, Connection

from sf_police.store.backend import upsert


def engine(url: URL) -> Engine:
    """Make the engine; nothing is connected yet."""
    return create_engine(url, paramstyle="format")


def prepare(engine: Engine) -> None:
    """Do nothing: the database is its administrator's to make."""


def exists(engine: Engine) -> bool:  # noqa: ARG001 # of the protocol
    """Say that it does; connecting tells otherwise."""
    return True


def delete(url: URL) -> bool:  # noqa: ARG001 # of the protocol
    """Return False: nothing is deleted here, the tables are to be dropped."""
    return False


def structure_error(connection: Connection) -> str | None:  # noqa: ARG001 # of the protocol
    """Return None: a server looks after its files by itself."""
    return None


def insert_or_update(table: Table) -> Any:
    """Return the statement that replaces a row of the same key."""
    return upsert(postgresql.insert(table), table)


def driver_times(times: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column of times as the driver takes them: naive datetimes."""
    return times.cast(pa.timestamp("us"))
