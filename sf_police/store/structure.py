"""Makes the store's tables and views: by `sf-police init-store`, or by a start whose role may."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from sf_police.question import Question
from sf_police.store.backend import Backend
from sf_police.store.kept import EVER, add_share
from sf_police.store.tables import Tables
from sf_police.store.views import kept_totals, queries


def make_missing(
    connection: Connection, backend: Backend, tables: Tables, question: Question, schema: str
) -> list[str]:
    """Create what is missing, and replace a view whose text is not that of `answers.sql`; return the names of both.

    Where all is there, nothing is attempted that only the owner may do: a stream's role need own nothing.
    """
    found = {each.name for each in backend.relations(connection, schema)}
    backend.mark(connection, schema)
    tables.metadata.create_all(connection)
    made = [name for name in tables.metadata.tables if name not in found]
    for totals in kept_totals(question.answers).values():
        if totals.name in made:
            add_share(connection, question, schema, totals, EVER)
    return made + [
        name for name, query in queries(question.answers).items() if backend.replace_view(connection, name, query)
    ]
