"""docs/store.md: each table with its very columns and types, and queries that run in both stores."""

from __future__ import annotations

import re
import subprocess
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import inspect, text

from sf_police.calls import QUESTION
from sf_police.store.database import Database, open_database
from sf_police.store.views import statements
from tests.support.brokers import free_ports
from tests.support.environment import ROOT
from tests.support.postgresql import as_user, programs, temporary_folder

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


def test_the_server_to_try_it_out_starts_takes_a_store_and_stops() -> None:
    block = re.search(r"^\*\*To try it out\*\*.*?^```\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    assert block
    parts = re.fullmatch(
        r"(.*)^export SF_POLICE_STORE=(\S+)\nmake demo STATE_DIR=\S+\n(.*)", block[1], re.MULTILINE | re.DOTALL
    )
    assert parts
    start, url, stop = parts.groups()
    port = str(free_ports())
    with temporary_folder("documented") as folder:
        (folder / ".run").mkdir()

        def run(commands: str) -> None:
            script = f'export PATH="$PATH:{programs()}" && cd {folder} && set -e\n{commands.replace("5433", port)}'
            subprocess.run([*as_user(folder, ".run"), "bash", "-c", script], check=True, stdout=subprocess.DEVNULL)

        run(start)
        try:
            with closing(open_database(url.replace("5433", port), QUESTION)) as database:
                assert "overall_answer" in database.create()
        finally:
            run(stop)


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
