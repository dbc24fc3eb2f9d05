"""What the store needs from a database; implemented by `sqlite.py` and `postgresql.py`."""

from __future__ import annotations

from typing import Any, Protocol

import pyarrow as pa
from sqlalchemy import Engine, Table
from sqlalchemy.engine import URL, Connection


class Backend(Protocol):
    """A module that supports one database."""

    def engine(self, url: URL) -> Engine:
        """Create the engine, with positional parameters; creates no database."""

    def prepare(self, engine: Engine) -> None:
        """Create what must exist before the tables can be created."""

    def exists(self, engine: Engine) -> bool:
        """Return whether there is a database to connect to; never creates one."""

    def delete(self, url: URL) -> bool:
        """Delete the whole database if it is ours; otherwise return False: the tables must be dropped."""

    def structure_error(self, connection: Connection) -> str | None:
        """Describe corruption below the level of tables; None if sound."""

    def insert_or_update(self, table: Table) -> Any:
        """Return the statement that inserts a row, or replaces the one with the same key."""

    def driver_times(self, times: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return a column of wall-clock times as the driver expects them."""


def upsert(insert: Any, table: Table) -> Any:
    """Complete a dialect's `insert` so that it replaces the row with the same key."""
    keys = list(table.primary_key.columns)
    others = {column.name: insert.excluded[column.name] for column in table.columns if column not in keys}
    return insert.on_conflict_do_update(index_elements=keys, set_=others)
