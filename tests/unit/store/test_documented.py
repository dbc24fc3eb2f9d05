"""docs/store.md: each table with its very columns and types, and queries that run in both stores."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import inspect, text

from sf_police.store.database import Database
from sf_police.store.views import statements
from tests.support.environment import ROOT

TEXT = (ROOT / "docs" / "store.md").read_text()
TABLES = dict(re.findall(r"^\*\*`(\w+)`\*\*.*?\n\n((?:\|.*\n)+)", TEXT, re.MULTILINE))
QUERIES = re.search(r"^## Queries\n(.*?)^Crime types by time of day", TEXT, re.MULTILINE | re.DOTALL)


def test_each_table_is_documented_with_its_columns(database: Database) -> None:
    place = 1 if database.dialect.name == "postgresql" else 0
    assert set(TABLES) == set(database.tables.metadata.tables)
    with database.transaction() as connection:
        for name, rows in TABLES.items():
            described = re.findall(r"^\| `(\w+)`(?: \(key\))? \| ([\w ]+) \| ([\w ]+) \|", rows, re.MULTILINE)
            columns = inspect(connection).get_columns(name, schema=schema(database))
            assert {column: types[place] for column, *types in described} == {
                column["name"]: type_name(column["type"]) for column in columns
            }


def type_name(column: Any) -> str:
    """As people write it: without length or collation."""
    name = re.split(r"\(| COLLATE", str(column))[0].lower()
    return {"varchar": "text", "double_precision": "double precision"}.get(name, name)


def schema(database: Database) -> str | None:
    return database.schema if database.dialect.name == "postgresql" else None


def test_each_view_is_documented_with_its_columns(database: Database) -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| [a-z ]+ \| (`window.*|`crime.*|`calls.*) \|$", TEXT, re.MULTILINE))
    assert set(rows) == set(statements(database.question.answers))
    with database.transaction() as connection:
        for view, columns in rows.items():
            found = list(connection.execute(text(f"SELECT * FROM {view}")).keys())
            assert re.findall(r"`(\w+)`", columns.split(":")[0]) == found


@pytest.mark.parametrize("query", re.findall(r"SELECT .*?;", QUERIES[1] if QUERIES else "", re.DOTALL))
def test_each_query_runs_in_both_stores(database: Database, query: str) -> None:
    with database.transaction() as connection:
        connection.execute(text(query.removesuffix(";").replace(":", r"\:")))
