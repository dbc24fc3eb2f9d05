"""A store is adopted and deleted only where it is provably ours; others' tables are never touched."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import Connection

from examples.taxi_rides import QUESTION as TAXI
from sf_police.calls import QUESTION
from sf_police.errors import SfPoliceError
from sf_police.store import sqlite
from sf_police.store.database import Database, delete_database, existing_database, open_database
from sf_police.store.writer import StoreWriter

OURS = ("batches", "counts", "rejected", "streams")
EARLIER = (
    "CREATE TABLE counts (calls bigint)", "CREATE TABLE rejected (reason text)",
    "CREATE TABLE batches (query_id text, batch_id bigint, start_offsets text, end_offsets text, read bigint,"
    " counted bigint)",
    "CREATE TABLE streams (query_id text, settings text)", "INSERT INTO streams VALUES ('earlier', '{}')",
    "CREATE VIEW window_answers AS SELECT calls FROM counts",
)  # fmt: skip
ANOTHER_APPLICATIONS = tuple(f"CREATE TABLE {name} (mine text)" for name in OURS)


def adopt(url: str, question: object = QUESTION) -> None:
    with closing(open_database(url, question)) as database:  # type: ignore[arg-type]
        StoreWriter(database).adopt_stream("query", {})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some.db"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


def run_sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def names(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type <> 'index'")}


def test_ours_is_deleted_with_what_sqlite_keeps_beside_it(tmp_path: Path, url: str) -> None:
    adopt(url)

    assert delete_database(url, QUESTION) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["DROP TABLE streams", "DROP TABLE batches", "UPDATE streams SET format = 99"])
def test_damage_does_not_take_ownership_away(path: Path, url: str, damage: str) -> None:
    adopt(url)
    run_sql(path, damage)

    assert delete_database(url, QUESTION) == []
    assert not path.exists()


def test_another_questions_and_an_earlier_versions_stores_are_ours(path: Path, url: str) -> None:
    adopt(url, TAXI)
    assert delete_database(url, QUESTION) == []
    run_sql(path, *EARLIER)
    assert delete_database(url, QUESTION) == []
    assert not path.exists()


@pytest.mark.parametrize("statements", [ANOTHER_APPLICATIONS, ("CREATE TABLE notes (text)",)])
def test_another_applications_database_is_neither_adopted_nor_deleted(
    path: Path, url: str, statements: tuple[str, ...]
) -> None:
    run_sql(path, *statements)
    before = path.read_bytes()

    for use in (adopt, lambda url: delete_database(url, QUESTION), lambda url: existing_database(url, QUESTION)):
        with pytest.raises(SfPoliceError, match="has tables that this program did not make") as refused:
            use(url)
        assert "\n" not in str(refused.value)
    assert path.read_bytes() == before


class WhileItIsMade:
    """A connection after whose first statement another one makes the store."""

    def __init__(self, connection: Connection, url: str) -> None:
        self._connection, self._url = connection, url

    def execute(self, statement: object) -> Any:
        found = self._connection.execute(statement).freeze()  # type: ignore[call-overload]
        if self._url:
            adopt(self._url)
            self._url = ""
        return found()


def test_a_store_that_is_being_made_is_nobody_elses(path: Path, url: str) -> None:
    path.touch()
    with create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
        found = sqlite.relations(WhileItIsMade(connection, url), "")  # type: ignore[arg-type]

    assert [each.name for each in found if not each.is_marked] == []


def test_a_store_whose_tables_are_made_after_the_first_look_is_not_there_yet(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    adopt(url)
    # It has none at the first looks, and all of them at the next.
    empty: list[list[Any]] = [[], []]
    relations = sqlite.relations
    monkeypatch.setattr(sqlite, "relations", lambda *place: empty.pop() if empty else relations(*place))

    with closing(open_database(url, QUESTION)) as database:
        assert not database.exists()


def test_others_tables_beside_ours_stay_and_are_named(path: Path, url: str) -> None:
    adopt(url)
    run_sql(path, "CREATE TABLE notes (text)", "INSERT INTO notes VALUES ('mine')")

    assert delete_database(url, QUESTION) == ["notes"]
    assert names(path) == {"notes"}


def test_an_empty_file_is_nobodys_and_can_be_adopted(path: Path, url: str) -> None:
    path.touch()

    assert delete_database(url, QUESTION) == []
    assert path.exists()
    adopt(url)
    assert names(path) >= set(OURS)


def test_a_file_that_cannot_be_read_is_deleted_if_its_mark_or_a_checkpoint_says_it_is_ours(
    path: Path, url: str
) -> None:
    adopt(url)
    whole = path.read_bytes()
    for first_bytes, is_known in ((b"", False), (whole[:100][:16] + b"\xff" * 84, True), (b"text" * 100, True)):
        damaged = first_bytes or whole[:16] + b"\xff\xff" + whole[18:]  # an impossible page size
        path.write_bytes(damaged)
        if is_known:
            with pytest.raises(SfPoliceError, match="cannot be read, and nothing proves that it is ours"):
                delete_database(url, QUESTION)
        assert path.read_bytes() == damaged
        assert delete_database(url, QUESTION, is_known=is_known) == []
        assert not path.exists()


# In PostgreSQL.


@pytest.fixture
def server(postgresql: str) -> Iterator[tuple[str, psycopg.Connection]]:
    """A database of the test's own, and a connection to it, as another application has it."""
    with psycopg.connect(postgresql.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS mine WITH (FORCE)")
        admin.execute("CREATE DATABASE mine")
    url = postgresql.removesuffix("postgres") + "mine"
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        yield url, connection


def tables(connection: psycopg.Connection, schema: str) -> list[str]:
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s ORDER BY table_name"
    return [name for (name,) in connection.execute(query, [schema])]


def schemas(connection: psycopg.Connection) -> set[str]:
    found = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema$'")
    return {name for (name,) in found}


def test_the_store_has_a_schema_of_its_own_and_reset_leaves_no_trace(
    server: tuple[str, psycopg.Connection],
) -> None:
    url, connection = server
    for statement in ANOTHER_APPLICATIONS:
        connection.execute(statement)

    adopt(url)
    assert set(tables(connection, "sf_police")) >= set(OURS)
    with closing(existing_database(url, QUESTION)) as database:
        assert database.stream_if_readable() == ("query", {})
    assert delete_database(url, QUESTION) == []

    assert schemas(connection) == {"public"}
    assert tables(connection, "public") == list(OURS)


def test_a_schema_of_others_is_neither_adopted_nor_emptied(server: tuple[str, psycopg.Connection]) -> None:
    url, connection = server
    connection.execute("CREATE SCHEMA sf_police")
    for statement in ANOTHER_APPLICATIONS:
        connection.execute(statement.replace("TABLE ", "TABLE sf_police."))

    for use in (adopt, lambda url: delete_database(url, QUESTION)):
        with pytest.raises(SfPoliceError, match="has tables that this program did not make .batches, counts, rejected"):
            use(url)
    assert tables(connection, "sf_police") == list(OURS)


def test_what_others_put_into_our_schema_stays_with_it(server: tuple[str, psycopg.Connection]) -> None:
    url, connection = server
    adopt(url)
    connection.execute("CREATE TABLE sf_police.notes (mine text)")

    assert delete_database(url, QUESTION) == ["notes"]
    assert tables(connection, "sf_police") == ["notes"]


def test_a_schema_made_by_the_administrator_is_used_and_stays(server: tuple[str, psycopg.Connection]) -> None:
    url, connection = server
    connection.execute("CREATE SCHEMA sf_police")
    adopt(url)

    assert delete_database(url, QUESTION) == []
    assert schemas(connection) == {"public", "sf_police"}


def test_a_store_of_the_format_before_is_refused_with_the_way_out_which_works(
    server: tuple[str, psycopg.Connection],
) -> None:
    url, connection = server
    connection.execute("CREATE TABLE survey_answers (mine text)")
    connection.execute("CREATE VIEW my_answers AS SELECT mine FROM survey_answers")
    for statement in EARLIER:
        connection.execute(statement)

    with pytest.raises(SfPoliceError, match="the schema public at .* holds a store made by an earlier vers") as refused:
        adopt(url)
    assert "make reset STORE_SCHEMA=public" in refused.value.remedy
    assert schemas(connection) == {"public"}
    assert delete_database(url, QUESTION, "public") == ["my_answers", "survey_answers"]
    adopt(url)


def test_two_stores_in_two_schemas_do_not_meet(server: tuple[str, psycopg.Connection]) -> None:
    url, connection = server
    adopt(url)
    with closing(open_database(url, QUESTION, "second")) as database:
        StoreWriter(database).adopt_stream("second", {})

    assert delete_database(url, QUESTION) == []
    with closing(existing_database(url, QUESTION, "second")) as database:
        assert isinstance(database, Database)
        assert database.stream_if_readable() == ("second", {})
    assert schemas(connection) == {"public", "second"}


def test_copies_of_a_file_are_ours_as_well(tmp_path: Path, path: Path, url: str) -> None:
    adopt(url)
    shutil.copy(path, tmp_path / "copy.db")

    assert delete_database(f"sqlite:///{tmp_path / 'copy.db'}", QUESTION) == []
