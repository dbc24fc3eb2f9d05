"""What the store needs from a database; implemented by `sqlite.py` and `postgresql.py`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import pyarrow as pa
from sqlalchemy import Engine, Table
from sqlalchemy.engine import URL, Connection

from sf_police.errors import SfPoliceError
from sf_police.store.hold import Hold
from sf_police.store.views import is_answer_name

# Kept with what we make in a database, so that nothing else is ever dropped.
MARK: Final = "sf-police"
# As SQLite and PostgreSQL say it.
_MISSING: Final = re.compile(r"""(?:no such table: |relation ")(?:\w+\.)?(\w+)""")


@dataclass(frozen=True)
class Relation:
    """A table, a view or the like, where the store is or would be."""

    name: str
    is_view: bool
    is_marked: bool


class Backend(Protocol):
    """A module that supports one database. `schema` is where PostgreSQL keeps the store; SQLite has none."""

    def engine(self, url: URL) -> Engine:
        """Create the engine, with positional parameters; creates no database."""

    def read_only(self, engine: Engine) -> Engine:
        """Return an engine whose connections refuse to write."""

    def exists(self, engine: Engine) -> bool:
        """Return whether there is a database to connect to; never creates one."""

    def prepare(self, engine: Engine) -> None:
        """Create what must exist before a transaction can create the tables."""

    def ensure_writable(self, engine: Engine) -> None:
        """Raise SfPoliceError if this user may write no file here; makes none, and does not ask a server."""

    def hold(self, engine: Engine, schema: str, where: str) -> Hold:
        """Hold the store for one stream, whose end, however it ends, lets go of it; `where` names the store."""

    def is_held(self, engine: Engine, schema: str) -> bool:
        """Return whether a stream holds the store; takes and creates nothing."""

    def begin(self, connection: Connection, schema: str) -> None:
        """Settle what holds for one transaction only: a pooler may give the next one another connection."""

    def take_turn(self, connection: Connection, schema: str) -> None:
        """Wait until no other transaction writes to the store; none does from here on until this one's end."""

    def unusable(self, connection: Connection, schema: str) -> str | None:
        """Return why no store can be in this database at all; None if one can.

        Raises:
            SfPoliceError: one can, but not for this role.
        """

    def relations(self, connection: Connection, schema: str) -> list[Relation]:
        """Return what is where the store is or would be, ours or not."""

    def earlier_schema(self, engine: Engine, schema: str) -> str | None:
        """Return another schema that holds a store of the format before there was a setting for it; None if none."""

    def mark(self, connection: Connection, schema: str) -> None:
        """Create the place for the tables, and mark it as ours."""

    def unmark(self, connection: Connection, schema: str) -> None:
        """Delete that place if it is ours and empty."""

    def delete_file(self, url: URL) -> bool:
        """Delete the database with all that is in it, if it is one of files; return whether it is."""

    def is_ours_if_unreadable(self, url: URL) -> bool:
        """Return whether a database that cannot be read any more is still marked as ours."""

    def is_large(self, connection: Connection) -> bool:
        """Return whether looking for corruption would take longer than a start may."""

    def structure_error(self, connection: Connection) -> str | None:
        """Describe corruption below the level of tables; None if sound."""

    def replace_view(self, connection: Connection, name: str, query: str) -> bool:
        """Create the view, or replace one of another text, and return True; leave one of this text as it is."""

    def explain(self, engine: Engine, error: BaseException, where: str) -> SfPoliceError | None:
        """Return what a driver's error means, if it is one that this module knows; `where` names the store."""

    def insert(self, table: Table) -> Any:
        """Return the dialect's INSERT, which has `on_conflict_do_nothing` and `on_conflict_do_update`."""

    def add_counts(self, connection: Connection, counts: Table, added: pa.Table, sums: Sequence[str]) -> None:
        """Add rows to those of the same key; `sums` are the columns that are added up."""

    def add_rows(self, connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> int:
        """Insert new rows, however many they are; return their number."""

    def driver_times(self, times: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return a column of wall-clock times as the driver expects them."""


def gone(where: str, error: BaseException) -> SfPoliceError:
    """Return the error for a table or a view that was there when the store was opened."""
    named = _MISSING.search(str(error))
    if named and is_answer_name(named[1]):
        return SfPoliceError(
            f"{where} lacks its view {named[1]}", remedy="run `make run-stream`, which makes it again and loses nothing"
        )
    return SfPoliceError(
        f"{where} was deleted or replaced while it was in use",
        remedy="put it back, or run `make reset` (deletes the checkpoint and the store)",
    )


def shown(url: URL) -> str:
    """Return a URL without its passwords, of which its options may have some, too."""
    secret = {name: "***" for name in url.query if "password" in name or "secret" in name}
    return url.update_query_dict(secret).render_as_string(hide_password=True).replace("%2A%2A%2A", "***")


def without_password(url: str) -> str:
    """Return a URL without what may be secret in it; for one that SQLAlchemy cannot parse, and so cannot mask."""
    # Passwords may contain any character.
    return re.sub(r"(?s)\?.*", "?***", re.sub(r"(?s)//.*@", "//***@", url))


def cause(error: BaseException) -> str:
    """Return the driver's own message, its first line."""
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]
