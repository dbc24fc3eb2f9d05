"""PostgreSQL's own ways: views that keep their GRANTs, locks, encodings, poolers, and a server that is restarted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from sf_police.calls import QUESTION
from sf_police.errors import SfPoliceError
from sf_police.question import Question
from sf_police.store import postgresql as backend
from sf_police.store.answers import StoreReader
from sf_police.store.database import Database, delete_database, open_database
from sf_police.store.writer import StoreWriter
from tests.support.builders import a_batch, a_counts_table, store_batch
from tests.support.postgresql import plain

VIEW = "sf_police.window_answers"


@pytest.fixture
def url(postgresql: str) -> str:
    """A database of the test's own."""
    with psycopg.connect(plain(postgresql), autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS mine WITH (FORCE)")
        admin.execute("CREATE DATABASE mine")
    return postgresql.removesuffix("postgres") + "mine"


@pytest.fixture
def other(url: str) -> Iterator[psycopg.Connection]:
    """A connection of somebody else."""
    with psycopg.connect(plain(url), autocommit=True) as connection:
        yield connection


def start(url: str, question: Question = QUESTION) -> None:
    with closing(open_database(url, question)) as database:
        StoreWriter(database).adopt_stream("query", {})


def view_facts(other: psycopg.Connection) -> Any:
    query = f"SELECT oid, relacl::text FROM pg_class WHERE oid = '{VIEW}'::regclass"
    return other.execute(query).fetchone()


REWORDED = replace(QUESTION, answers=QUESTION.answers.replace("AS places", "AS p").replace("votes", "ballots"))
MORE_COLUMNS = replace(
    QUESTION, answers=QUESTION.answers.replace("window_answers\nSELECT\n    window_start,", "window_answers\nSELECT")
)


@pytest.mark.parametrize("again", [QUESTION, REWORDED], ids=["the same text", "another text"])
def test_a_view_keeps_its_grants_and_what_depends_on_it(url: str, other: psycopg.Connection, again: Question) -> None:
    start(url)
    other.execute(f"GRANT SELECT ON {VIEW} TO PUBLIC")
    other.execute(f"CREATE VIEW public.mine AS SELECT * FROM {VIEW}")
    before = view_facts(other)

    start(url, again)

    assert view_facts(other) == before
    assert "=r/" in before[1]


def test_a_view_with_other_columns_is_made_anew(url: str, other: psycopg.Connection) -> None:
    start(url)
    start(url, MORE_COLUMNS)

    columns = [column.name for column in other.execute(f"SELECT * FROM {VIEW}").description or []]
    assert columns[0] == "window_end"


def test_somebodys_view_is_named_when_ours_cannot_go_and_nothing_is_dropped(
    url: str, other: psycopg.Connection
) -> None:
    start(url)
    other.execute(f"CREATE VIEW public.mine AS SELECT * FROM {VIEW}")

    for use in (lambda: start(url, MORE_COLUMNS), lambda: delete_database(url, QUESTION)):
        with pytest.raises(SfPoliceError, match="view public.mine depends on view window_answers, so nothing") as no:
            use()
        assert "\n" not in str(no.value)
        assert other.execute(f"SELECT count(*) FROM {VIEW}").fetchone() == (0,)
    other.execute("DROP VIEW public.mine")
    assert delete_database(url, QUESTION) == []


def test_a_reader_that_idles_in_a_transaction_delays_no_start_and_stops_a_reset_with_one_line(
    url: str, other: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "LOCK_TIMEOUT", "100ms")
    start(url)
    with other.transaction():
        other.execute(f"SELECT * FROM {VIEW}")
        start(url)

        with pytest.raises(SfPoliceError, match="is locked by another connection's open transaction, after 100ms"):
            delete_database(url, QUESTION)
    assert delete_database(url, QUESTION) == []


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_of_another_encoding_is_refused(postgresql: str, encoding: str) -> None:
    with psycopg.connect(plain(postgresql), autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS other")
        admin.execute(f"CREATE DATABASE other ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'")
    url = postgresql.removesuffix("postgres") + "other"

    with closing(open_database(url, QUESTION)) as database:
        for use in (StoreReader(database).stream, database.create):
            with pytest.raises(
                SfPoliceError, match=f"has the encoding {encoding}, but this program needs UTF8: set ST"
            ):
                use()


def test_the_longest_text_that_a_record_may_have_can_be_stored(url: str) -> None:
    # Such text cannot be compressed, and both are in the primary key.
    name, code = ("".join(chr(0x4E00 + 7919 * n % 20000) for n in range(many)) for many in (333, 166))
    counts = [("2018-10-12 14:00:00", "2018-10-12 14:30:00", name, code, 1)]
    with closing(open_database(url, QUESTION)) as database:
        database.create()
        store_batch(database, counts)

        assert StoreReader(database).all_counts()[0]["crime_type"] == name


def test_nothing_is_prepared_as_a_pooler_may_switch_connections(url: str) -> None:
    with closing(open_database(url, QUESTION)) as database:
        database.create()
        for _ in range(12):
            store_batch(database, late=1)
        assert database.rows(text("SELECT name FROM pg_prepared_statements")) == []
        # Nor is anything settled that the next transaction relies on.
        with database._engine.connect() as connection:
            assert connection.execute(text("SHOW search_path")).scalar() == '"$user", public'


def test_a_connection_that_the_server_has_ended_is_replaced(url: str, other: psycopg.Connection) -> None:
    with closing(open_database(url, QUESTION)) as database:
        database.create()
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'mine' AND pid <> pg_backend_pid()"
        )
        store_batch(database)

        assert isinstance(database, Database)
        assert len(StoreReader(database).last_batches(5)) == 1


def test_a_server_that_takes_no_writes_says_so(url: str, other: psycopg.Connection) -> None:
    start(url)
    other.execute("ALTER DATABASE mine SET default_transaction_read_only = on")

    with closing(open_database(url, QUESTION)) as database:
        assert StoreReader(database).stream() == ("query", {})
        with pytest.raises(SfPoliceError, match=r"\(schema sf_police\) is read-only: set STORE"):
            StoreWriter(database).write_batch(a_batch(), a_counts_table([]), [])


def test_a_clients_environment_changes_no_text(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    counts = [("2018-10-12 14:00:00", "2018-10-12 14:30:00", "Café 😀", "Handled", 1)]
    with closing(open_database(url, QUESTION)) as database:
        database.create()
        store_batch(database, counts)

        assert StoreReader(database).all_counts()[0]["crime_type"] == "Café 😀"
