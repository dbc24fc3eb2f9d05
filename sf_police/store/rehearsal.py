"""Whether a stream could write into a store: asked before it is started, and without leaving anything there."""

from __future__ import annotations

from sf_police.store.database import Database
from sf_police.store.hold import store_held
from sf_police.store.privileges import ensure_writer, writers_needs
from sf_police.store.structure import make_missing


class _TakenBackError(Exception):
    """Ends a transaction by a rollback."""


def ensure_free(database: Database) -> None:
    """Raise SfPoliceError if a stream is running into the store; takes and makes nothing."""
    if database.is_held():
        raise store_held(database.where)


def ensure_writable(database: Database, *, expires: bool) -> None:
    """Raise SfPoliceError if a stream could not make what the store lacks, and write into it.

    In PostgreSQL what is missing is made, and taken back with its transaction. In SQLite, whose driver commits what
    makes a table, only the file's and the folder's modes are looked at.

    Args:
        database: the store, which need not exist.
        expires: whether old micro-batches and rejected records are deleted (RETENTION).
    """
    database.exists()
    database.ensure_place()
    if database.dialect.name != "postgresql":
        return
    try:
        with database.transaction() as connection:
            make_missing(connection, database.backend, database.tables, database.question, database.schema)
            needs = writers_needs(database.backend.relations(connection, database.schema), expires=expires)
            ensure_writer(connection, database.schema, needs, where=database.where)
            raise _TakenBackError
    except _TakenBackError:
        return
