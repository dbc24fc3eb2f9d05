"""Holds a store while a stream runs into it, so that neither a second stream nor `reset` takes it away."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final, Protocol

from sqlalchemy import Engine, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from sf_police.errors import LostStoreError, SfPoliceError
from sf_police.lock import is_held, locked

# A server that its client's machine is cut off from notices within a minute; as it comes, after more than two hours.
KEEPALIVES: Final = {"tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3"}
# Nothing else ends the transaction but its stream. The newest of these settings is not known to every server.
_SETTINGS: Final = {
    "application_name": "sf-police: holds the store",
    "idle_in_transaction_session_timeout": "0",
    "transaction_timeout": "0",
    **KEEPALIVES,
}
_PREPARE: Final = text("""
    SELECT set_config(name, value, TRUE) FROM pg_settings JOIN json_each_text(:settings) ON name = key""")
_TAKE_TURN: Final = """
    SELECT pg_advisory_xact_lock({key}), set_config('synchronous_commit', CASE setting WHEN 'off' THEN 'on' ELSE setting
    END, TRUE) FROM pg_settings WHERE name = 'synchronous_commit'"""
# An advisory lock's key of 64 bits is shown in two halves.
_IS_LOCKED: Final = text("""
    SELECT EXISTS (
        SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND classid::bigint = :high AND objid::bigint = :low)""")
_REMEDY: Final = "stop it, or set STATE_DIR to another folder (and STORE or STORE_SCHEMA, if they are set)"


class StoreHeldError(SfPoliceError):
    """Another stream holds the store."""


class Hold(Protocol):
    """A store that is held."""

    def keep(self) -> None:
        """Take hold again if it was lost. Raises SfPoliceError if another stream has taken it."""

    def close(self) -> None:
        """Let go."""


class FileHold:
    """Holds the lock file beside a file, by whichever link that was named."""

    def __init__(self, path: Path, where: str) -> None:
        self._held = ExitStack()
        self._held.enter_context(locked(_lock_file(path), _taken(where), remedy=_REMEDY))

    def keep(self) -> None:
        """See `Hold`: only its process's end lets go of a file."""

    def close(self) -> None:
        """See `Hold`."""
        self._held.close()


class ServerHold:
    """Holds an advisory lock of PostgreSQL in a transaction that stays open, as a pooler may give a session to others.

    The transaction has no snapshot, so it keeps nothing from being vacuumed.
    """

    def __init__(self, engine: Engine, schema: str, where: str) -> None:
        self._engine, self._where = engine, where
        self._key = _key(schema)
        self._connection: Connection | None = self._take()

    def _take(self) -> Connection:
        connection = self._engine.connect()
        try:
            connection.execute(_PREPARE, {"settings": json.dumps(_SETTINGS)})
            # Without parameters: else the client's last statement stays open, and with it the snapshot.
            if connection.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({self._key})").scalar():
                return connection
        except BaseException:
            connection.close()
            raise
        connection.close()
        raise store_held(self._where)

    def keep(self) -> None:
        """See `Hold`: the server may have been restarted since."""
        if self._connection is not None:
            try:
                self._connection.execute(text("SELECT 1"))
                return
            except DBAPIError:
                self.close()
        try:
            self._connection = self._take()
        except StoreHeldError as error:
            # It may be our own lock: a server that was cut off lets go only when it notices.
            raise LostStoreError(error.what, remedy=error.remedy) from error

    def close(self) -> None:
        """See `Hold`."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(DBAPIError):
                connection.close()


def store_held(where: str) -> StoreHeldError:
    """Return the error of a store that another stream holds."""
    return StoreHeldError(_taken(where), remedy=_REMEDY)


def is_file_held(path: Path) -> bool:
    """Return whether a stream holds the lock file beside a file; creates nothing."""
    return is_held(_lock_file(path))


def is_server_held(engine: Engine, schema: str) -> bool:
    """Return whether a stream holds the advisory lock of a schema; asks the server, and takes nothing."""
    key = _key(schema) % 2**64
    with engine.connect() as connection:
        return bool(connection.execute(_IS_LOCKED, {"high": key >> 32, "low": key % 2**32}).scalar())


def take_server_turn(connection: Connection, schema: str) -> None:
    """Wait, within a transaction, until no other one has its turn in a schema; the turn lasts until this one's end.

    In one transaction, as a pooler may give what follows another session. Its commit is on disk before it is answered,
    whatever the server's default: the stream's checkpoint must never be ahead of the store.
    """
    connection.exec_driver_sql(_TAKE_TURN.format(key=_key(f"{schema} turn")))


def _lock_file(path: Path) -> Path:
    path = Path(os.path.realpath(path))
    return path.with_name(f"{path.name}.lock")


def _key(schema: str) -> int:
    digest = hashlib.sha256(f"sf-police {schema}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _taken(where: str) -> str:
    return f"a stream is running into {where}"
