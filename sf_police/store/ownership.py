"""Whose the tables are: proves that a store is ours before it is adopted or deleted, and deletes only what is ours.

Ours is what has our mark, or, in a database without marks, the tables of the names and columns that we give them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Table, inspect, select, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from sf_police.errors import SfPoliceError
from sf_police.question import Question
from sf_police.store.backend import Backend, Relation
from sf_police.store.tables import FORMAT, tables_of
from sf_police.store.views import is_answer_name, settled_table, statements, totals_digests

# Of a store made before stores were marked.
_COLUMNS: Final = {
    "streams": {"query_id", "settings"},
    "batches": {"query_id", "batch_id", "start_offsets", "end_offsets", "read", "counted"},
}
_SHOWN: Final = 3


def own_and_others(
    connection: Connection, backend: Backend, question: Question, schema: str
) -> tuple[list[Relation], list[str]]:
    """Return the tables and views that are provably ours, of whatever question or format, and the names of all others.

    Both are of one look: in SQLite a store that is being made has more tables at the next.
    """
    found = backend.relations(connection, schema)
    own = _own(connection, found, question)
    names = {each.name for each in own}
    return own, [each.name for each in found if each.name not in names]


def _own(connection: Connection, found: Iterable[Relation], question: Question) -> list[Relation]:
    tables, views = set(tables_of(question).metadata.tables), set(statements(question.answers))
    if any(each.name == "streams" and each.is_marked for each in found):
        tables |= _recorded_totals(connection)
    # Another question's views have other names, and others' views may have names like those.
    own = [
        each
        for each in found
        if (
            each.name in views or (each.is_marked and is_answer_name(each.name))
            if each.is_view
            else each.name in tables
        )
    ]
    # A comment can be lost, but a place with one mark was empty when we took it.
    is_ours = any(each.is_marked for each in own) or _has_our_columns(connection, {each.name for each in own})
    return own if is_ours else []


def _recorded_totals(connection: Connection) -> set[str]:
    # Another question keeps other totals, and says so in the store.
    if "question" not in {column["name"] for column in inspect(connection).get_columns("streams")}:
        return set()
    stored = connection.execute(text("SELECT question FROM streams")).scalar()
    return {settled_table(name) for name in json.loads(stored).get("totals", {})} if stored else set()


def fingerprint(question: Question) -> dict[str, Any]:
    """Return what a store's counts, state and totals are made of."""
    return {**question.fingerprint, "totals": totals_digests(question.answers)}


def _has_our_columns(connection: Connection, names: set[str]) -> bool:
    if not set(_COLUMNS) <= names:
        return False
    found = inspect(connection)
    return all(
        columns <= {column["name"] for column in found.get_columns(table)} for table, columns in _COLUMNS.items()
    )


def mismatch(connection: Connection, streams: Table, question: Question) -> str | None:
    """Return why this program must not use a store of its own: another format or question; None if it may."""
    found = inspect(connection)
    if not found.has_table(streams.name):
        return f"is damaged: it has no table {streams.name}"
    if not {"format", "question"} <= {column["name"] for column in found.get_columns(streams.name)}:
        return "was made by an earlier version of this program"
    stream = connection.execute(select(streams.c.format, streams.c.question)).first()
    if stream is None:
        return None
    if stream.format != FORMAT:
        return f"has format {stream.format}, but this program needs format {FORMAT}"
    theirs, ours = json.loads(stream.question), json.loads(json.dumps(fingerprint(question)))
    if theirs["name"] != ours["name"]:
        return f"answers the question {theirs['name']}, not {ours['name']}"
    differing = [name for name in ours if theirs.get(name) != ours[name]]
    return (
        f"was made with another definition of {ours['name']} (changed: {', '.join(differing)})" if differing else None
    )


def foreign_refusal(where: str, names: Iterable[str]) -> SfPoliceError:
    """Return why a place with others' tables is neither used nor deleted."""
    return SfPoliceError(
        f"{where} has tables that this program did not make ({listed(names)}), and none of its own; they are untouched",
        remedy="set STORE to a database of its own, or, in PostgreSQL, STORE_SCHEMA to a schema of its own",
    )


def listed(names: Iterable[str]) -> str:
    """Return the first names, and how many more there are."""
    every = list(names)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more


def drop_relations(connection: Connection, relations: Iterable[Relation]) -> None:
    """Drop tables and views; views first, as they depend on tables. Fails where something of others depends on one."""
    quote, found = connection.dialect.identifier_preparer.quote, list(relations)
    views = [quote(each.name) for each in found if each.is_view]
    # Views read each other, which PostgreSQL minds unless they are dropped at once; SQLite drops one at a time.
    for names in [", ".join(views)] if views and connection.dialect.name == "postgresql" else views:
        connection.exec_driver_sql(f"DROP VIEW {names}")
    for each in found:
        if not each.is_view:
            connection.exec_driver_sql(f"DROP TABLE {quote(each.name)}")


def is_unreadable(error: BaseException) -> bool:
    """Return whether a database's file is damaged, rather than locked or out of reach."""
    cause = error.__cause__
    text = str(cause) if isinstance(cause, SQLAlchemyError) else ""
    return any(said in text for said in ("not a database", "malformed", "disk I/O error", "unsupported file format"))
