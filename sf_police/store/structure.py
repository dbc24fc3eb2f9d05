"""Makes the store's tables and views: by `sf-police init-store`, or by a start whose role may."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from sf_police.question import Question
from sf_police.store.backend import Backend
from sf_police.store.kept import KeptTotals, counts_table
from sf_police.store.tables import Tables
from sf_police.store.views import definitions


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
    if {tables.settled.name, *(table.name for table in tables.kept.values())} & set(made):
        KeptTotals(connection, tables, question, schema).make()
    views = definitions(question.answers, counts_table(connection.dialect, schema))
    return made + [name for name, query in views.items() if backend.replace_view(connection, name, query)]
