"""The store in SQLite: one file; times are text."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Engine, Table, create_engine, event, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL, Connection

from sf_police.errors import SfPoliceError
from sf_police.store.backend import upsert

_BUSY_TIMEOUT_MS: Final = 30_000


def engine(url: URL) -> Engine:
    """Create the engine; the file need not exist yet."""
    made = create_engine(url, paramstyle="qmark")
    event.listen(made, "connect", _set_pragmas)
    return made


def _set_pragmas(connection: Any, _: Any) -> None:
    # WAL: readers (`answer`, a dashboard) and the stream do not block each other. FULL: the stream's checkpoint must
    # never be ahead of the store, not even after a power failure.
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def prepare(engine: Engine) -> None:
    """Create the file's folder."""
    folder = Path(str(engine.url.database)).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SfPoliceError(f"cannot create the store's folder {folder}: {error.strerror}") from error


def exists(engine: Engine) -> bool:
    """Return whether the file exists; connecting would create it."""
    return Path(str(engine.url.database)).exists()


def delete(url: URL) -> bool:
    """Delete the file and what SQLite keeps beside it; return True, as no tables are left to drop."""
    for suffix in ("", "-wal", "-shm"):
        Path(f"{url.database}{suffix}").unlink(missing_ok=True)
    return True


def structure_error(connection: Connection) -> str | None:
    """Describe corruption of the file; None if it is sound."""
    [found] = connection.execute(text("PRAGMA quick_check(1)")).scalars()
    return None if found == "ok" else str(found).splitlines()[-1]


def insert_or_update(table: Table) -> Any:
    """Return the statement that inserts a row, or replaces the one with the same key."""
    return upsert(sqlite.insert(table), table)


def driver_times(times: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column of times as the driver expects them: `YYYY-MM-DD HH:MM:SS`."""
    # Formatted once per window, as there are far fewer windows than rows.
    encoded = times.combine_chunks().dictionary_encode()
    texts = pc.strftime(encoded.dictionary.cast(pa.timestamp("s")), format="%Y-%m-%d %H:%M:%S")
    return texts.take(encoded.indices)
