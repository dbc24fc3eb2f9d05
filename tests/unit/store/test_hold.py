"""A store is held by one stream, in either database, and is free again however that one ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from sf_police.calls import QUESTION
from sf_police.errors import LostStoreError, SfPoliceError
from sf_police.store.database import Database, open_database
from sf_police.store.hold import KEEPALIVES

Opened = Callable[[], Database]


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    """Opens the same store, anew each time."""
    url = f"sqlite:///{tmp_path}/new/answers.db" if request.param == "sqlite" else request.getfixturevalue("postgresql")
    databases: list[Database] = []

    def opened() -> Database:
        databases.append(open_database(url, QUESTION))
        return databases[-1]

    yield opened
    for database in databases:
        database.close()


def test_a_store_is_held_once_even_before_it_exists(opened: Opened) -> None:
    with (
        opened().held(),
        pytest.raises(SfPoliceError, match="a stream is running into the store at"),
        opened().held(),
    ):
        pytest.fail("both hold it")
    with opened().held():
        pass


def test_whether_a_store_is_held_is_asked_without_taking_or_creating_it(opened: Opened, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))

    assert not opened().is_held()
    assert sorted(tmp_path.rglob("*")) == before
    with opened().held():
        assert opened().is_held()
    assert not opened().is_held()


def test_a_store_in_another_schema_is_not_the_one_that_is_held(postgresql: str) -> None:
    with (
        closing(open_database(postgresql, QUESTION)) as first,
        closing(open_database(postgresql, QUESTION, "second")) as second,
        first.held(),
    ):
        assert (first.is_held(), second.is_held()) == (True, False)


def test_stores_in_two_schemas_do_not_meet(postgresql: str) -> None:
    with (
        closing(open_database(postgresql, QUESTION)) as first,
        closing(open_database(postgresql, QUESTION, "second")) as second,
        first.held(),
        second.held(),
    ):
        pass


@pytest.fixture
def admin(postgresql: str) -> Iterator[psycopg.Connection]:
    url = make_url(postgresql).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


HOLDERS = (
    "SELECT pid, backend_xmin, backend_xid FROM pg_stat_activity WHERE application_name = 'sf-police: holds the store'"
)


def test_a_hold_keeps_nothing_from_vacuum_and_is_taken_again_after_a_restart(
    postgresql: str, admin: psycopg.Connection
) -> None:
    with closing(open_database(postgresql, QUESTION)) as database, database.held():
        [(pid, xmin, xid)] = admin.execute(HOLDERS).fetchall()
        assert (xmin, xid) == (None, None)

        admin.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        database.keep_held()
        [(again, _, _)] = admin.execute(HOLDERS).fetchall()
        assert again != pid
    assert admin.execute(HOLDERS).fetchall() == []


def test_a_hold_that_another_took_meanwhile_ends_the_stream(postgresql: str, admin: psycopg.Connection) -> None:
    with (
        closing(open_database(postgresql, QUESTION)) as database,
        closing(open_database(postgresql, QUESTION)) as other,
        database.held(),
    ):
        admin.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM ({HOLDERS}) AS holders")
        with other.held(), pytest.raises(SfPoliceError, match="a stream is running into"):
            database.keep_held()


def test_a_hold_that_was_lost_is_taken_again_when_the_server_is_back(
    postgresql: str, admin: psycopg.Connection
) -> None:
    admin.execute("CREATE ROLE holder LOGIN")
    url = postgresql.replace("tester@", "holder@")
    try:
        with closing(open_database(url, QUESTION)) as database, database.held():
            admin.execute("ALTER ROLE holder NOLOGIN")
            admin.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM ({HOLDERS}) AS holders")
            for _ in range(2):
                with pytest.raises(LostStoreError, match="not permitted to log in"):
                    database.keep_held()
            admin.execute("ALTER ROLE holder LOGIN")

            database.keep_held()
            assert len(admin.execute(HOLDERS).fetchall()) == 1
    finally:
        admin.execute("DROP ROLE holder")


def test_a_server_notices_within_a_minute_that_a_streams_machine_is_gone(postgresql: str) -> None:
    with (
        closing(open_database(postgresql, QUESTION)) as database,
        database.held(),
        database.transaction() as writing,
    ):
        for connection in (database._hold._connection, writing):  # type: ignore[union-attr]
            assert [connection.execute(text(f"SHOW {name}")).scalar() for name in KEEPALIVES] == ["30", "10", "3"]


def test_an_idle_hold_is_not_ended_by_the_server(postgresql: str, admin: psycopg.Connection) -> None:
    admin.execute("ALTER ROLE tester SET idle_in_transaction_session_timeout = '100ms'")
    try:
        with closing(open_database(postgresql, QUESTION)) as database, database.held():
            [(pid, _, _)] = admin.execute(HOLDERS).fetchall()
            admin.execute("SELECT pg_sleep(0.5)")
            assert [row[0] for row in admin.execute(HOLDERS)] == [pid]
    finally:
        admin.execute("ALTER ROLE tester RESET idle_in_transaction_session_timeout")
