"""What the store needs of a database, and each of `sqlite.py` and `postgresql.py` provides."""

from __future__ import annotations

from typing import Any, Protocol

import pyarrow as pa
from sqlalchemy import Engine, Table
from sqlalchemy.engine import URL, Connection


class Backend(Protocol):
    """A module that knows one database."""

    def engine(self, url: URL) -> Engine:
        """Make the engine, with parameters by position; nothing is created yet."""

    def prepare(self, engine: Engine) -> None:
        """Make what tables need before they can be created."""

    def exists(self, engine: Engine) -> bool:
        """Say whether there is a database to connect to; never creates one."""

    def delete(self, url: URL) -> bool:
        """Delete the whole database, if it is one of our own; False: it is not, drop the tables."""

    def structure_error(self, connection: Connection) -> str | None:
        """Describe what is corrupt below the tables; None if it is sound."""

    def insert_or_update(self, table: Table) -> Any:
        """Return the statement that replaces a row of the same key."""

    def driver_times(self, times: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return a column of wall-clock times as the driver takes them."""


def upsert(insert: Any, table: Table) -> Any:
    """Complete a dialect's `insert` so that it replaces the row of the same key."""
    keys = list(table.primary_key.columns)
    others = {column.name: insert.excluded[column.name] for column in table.columns if column not in keys}
    return insert.on_conflict_do_update(index_elements=keys, set_=others)
