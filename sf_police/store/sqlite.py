"""The store in SQLite: one file; times are text."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Engine, Table, create_engine, event, exc, inspect, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL, Connection

from sf_police.checks import existing_folder
from sf_police.errors import SfPoliceError, UsageError, folder_reason
from sf_police.store.backend import Relation, gone
from sf_police.store.hold import FileHold, Hold, is_file_held
from sf_police.store.inserting import insert_counts, insert_rows

_BUSY_TIMEOUT_MS: Final = 30_000
_LARGE_BYTES: Final = 250_000_000
# In the file's header, where SQLite keeps a number for the program that a file belongs to: "sfPo".
_APPLICATION_ID: Final = 0x7366506F
_ID_AT: Final = 68
_UNREADABLE: Final = ("unable to open database file", "attempt to write a readonly database")


def engine(url: URL) -> Engine:
    """Create the engine; the file need not exist yet. Raises UsageError if its path is no text."""
    shown = os.fsencode(str(url.database)).decode("utf-8", "backslashreplace")
    if shown != url.database:
        raise UsageError(f"the store's path {shown} is not UTF-8 text", remedy="set STATE_DIR to another folder")
    made = create_engine(url, paramstyle="qmark")
    event.listen(made, "do_connect", _open)
    event.listen(made, "connect", _settle)
    event.listen(made, "checkout", _ensure_same_file)
    return made


def read_only(engine: Engine) -> Engine:
    """Return the engine, whose connections refuse to write from now on."""
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only = ON"))
    return engine


def _open(dialect: Any, _record: Any, args: list[Any], options: dict[str, Any]) -> Any:
    path = Path(str(args[0]))
    # Only `prepare` creates it: where a store was deleted, whoever still reads it would leave an empty file.
    mode = "mode=rw"
    if _is_read_only(path):
        # SQLite cannot open a file in WAL mode where it may create none beside it, unless told that nobody writes.
        mode = "mode=ro" if Path(f"{path}-wal").exists() else "mode=ro&immutable=1"
    return dialect.connect(f"file://{quote(str(path))}?{mode}", *args[1:], **{**options, "uri": True})


def _is_read_only(path: Path) -> bool:
    return path.exists() and not (_may_write(path) and _may_write(path.parent))


def _may_write(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _settle(connection: Any, record: Any) -> None:
    # FULL: the stream's checkpoint must never be ahead of the store, not even after a power failure.
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA synchronous = FULL")
    record.info["file"] = _file_of(connection)


def _file_of(connection: Any) -> tuple[str, tuple[int, int] | None]:
    path = next((row[2] for row in connection.execute("PRAGMA database_list") if row[1] == "main"), "")
    return path, _identity(path)


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _ensure_same_file(_connection: Any, record: Any, _proxy: Any) -> None:
    # A file that was deleted or replaced goes on to exist for the connection that has it open: what is written there
    # would be lost.
    path, identity = record.info["file"]
    if _identity(path) != identity:
        raise exc.DisconnectionError(f"{path} was replaced")


def exists(engine: Engine) -> bool:
    """Return whether the file exists; connecting would create it."""
    return Path(str(engine.url.database)).exists()


def prepare(engine: Engine) -> None:
    """Create the file's folder, and the file in WAL mode: readers and the stream do not block each other."""
    path = Path(str(engine.url.database))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SfPoliceError(f"cannot create the store's folder {path.parent}: {folder_reason(error)}") from error
    try:
        if not path.exists():
            path.touch(0o644)
    except OSError as error:
        raise SfPoliceError(f"cannot create the store {path}: {error.strerror}") from error
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")


def ensure_writable(engine: Engine) -> None:
    """Raise SfPoliceError if the file may not be written, or made."""
    path = Path(str(engine.url.database))
    for place in dict.fromkeys((existing_folder(path), existing_folder(path.parent))):
        if not _may_write(place):
            raise SfPoliceError(f"{place} is not writable", remedy="set STORE or STATE_DIR to another place")


def hold(engine: Engine, schema: str, where: str) -> Hold:  # noqa: ARG001 # of the protocol
    """Hold a lock file beside the file."""
    return FileHold(Path(str(engine.url.database)), where)


def is_held(engine: Engine, schema: str) -> bool:  # noqa: ARG001 # of the protocol
    """Return whether a stream holds that lock file."""
    return is_file_held(Path(str(engine.url.database)))


def begin(connection: Connection, schema: str) -> None:
    """Do nothing: a file's settings are those of its connection."""


def take_turn(connection: Connection, schema: str) -> None:
    """Do nothing: the first statement that writes waits for the file."""


def unusable(connection: Connection, schema: str) -> str | None:  # noqa: ARG001 # of the protocol
    """Return None: any file can hold a store."""
    return None


def relations(connection: Connection, schema: str) -> list[Relation]:  # noqa: ARG001 # of the protocol
    """Return the file's tables and views; the mark is that of the whole file."""
    query = text("SELECT name, type = 'view' FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name")
    rows = connection.execute(query).all()
    # After the names: a store that is being made is marked first, and its tables would else pass for somebody else's.
    is_marked = connection.execute(text("PRAGMA application_id")).scalar() == _APPLICATION_ID
    return [Relation(name, bool(is_view), is_marked) for name, is_view in rows if not name.startswith("sqlite_")]


def earlier_schema(engine: Engine, schema: str) -> None:
    """Return None: a file has no schemas."""


def mark(connection: Connection, schema: str) -> None:  # noqa: ARG001 # of the protocol
    """Mark the file as ours."""
    connection.exec_driver_sql(f"PRAGMA application_id = {_APPLICATION_ID}")


def unmark(connection: Connection, schema: str) -> None:  # noqa: ARG001 # of the protocol
    """Take the mark off a file that others use as well."""
    connection.exec_driver_sql("PRAGMA application_id = 0")


def delete_file(url: URL) -> bool:
    """Delete the file and what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm"):
        Path(f"{url.database}{suffix}").unlink(missing_ok=True)
    return True


def is_ours_if_unreadable(url: URL) -> bool:
    """Return whether the file's header has our mark."""
    with Path(str(url.database)).open("rb") as file:
        header = file.read(100)
    return header[_ID_AT : _ID_AT + 4] == _APPLICATION_ID.to_bytes(4, "big")


def is_large(connection: Connection) -> bool:
    """Return whether the file has more bytes than are read in about a second."""
    pages, size = (connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in ("page_count", "page_size"))
    return int(pages) * int(size) > _LARGE_BYTES


def structure_error(connection: Connection) -> str | None:
    """Describe corruption of the file; None if it is sound."""
    [found] = connection.execute(text("PRAGMA quick_check(1)")).scalars()
    return None if found == "ok" else str(found).splitlines()[-1]


def replace_view(connection: Connection, name: str, query: str) -> bool:
    """Create the view, or replace one of another text, which SQLite keeps as it was written; return whether it did."""
    found = inspect(connection)
    definition = found.get_view_definition(name) if name in found.get_view_names() else ""
    if (definition or "").endswith(query):
        return False
    connection.execute(text(f"DROP VIEW IF EXISTS {name}"))
    connection.execute(text(f"CREATE VIEW {name} AS {query}"))
    return True


def explain(engine: Engine, error: BaseException, where: str) -> SfPoliceError | None:
    """Return that the store is gone, or read-only, if that is why."""
    path = Path(str(engine.url.database))
    if "no such table" in str(error) or (_UNREADABLE[0] in str(error) and not path.exists()):
        return gone(where, error)
    if not any(said in str(error) for said in _UNREADABLE) or not _is_read_only(path):
        return None
    if Path(f"{path}-wal").exists() and "unable" in str(error):
        return SfPoliceError(
            f"{where} is read-only, and its newest batches are still in {path.name}-wal",
            remedy="let its owner run `make answer` once, or copy both files to a folder of your own and set STORE",
        )
    return SfPoliceError(
        f"{where} is read-only", remedy=f"make {path} and its folder writable, or set STORE to another"
    )


def insert(table: Table) -> Any:
    """Return the dialect's INSERT."""
    return sqlite.insert(table)


def add_counts(connection: Connection, counts: Table, added: pa.Table, sums: Sequence[str]) -> None:
    """Add rows to those of the same key."""
    insert_counts(connection, counts, added, sums, insert=insert, driver_times=driver_times)


def add_rows(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> int:
    """Insert new rows; return their number."""
    return insert_rows(connection, table, rows)


def driver_times(times: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column of times as the driver expects them: `YYYY-MM-DD HH:MM:SS`."""
    # Formatted once per window, as there are far fewer windows than rows.
    encoded = times.combine_chunks().dictionary_encode()
    texts = pc.strftime(encoded.dictionary.cast(pa.timestamp("s")), format="%Y-%m-%d %H:%M:%S")
    return texts.take(encoded.indices)
