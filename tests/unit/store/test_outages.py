"""A server that goes away in a micro-batch's transaction: the batch is stored once, by trying again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Connection

from sf_police.calls import QUESTION
from sf_police.errors import LostStoreError, SfPoliceError
from sf_police.store import postgresql as backend
from sf_police.store.answers import StoreReader
from sf_police.store.database import Database, open_database
from sf_police.store.retry import Retry
from sf_police.store.writer import StoreWriter
from tests.support.builders import a_batch, a_counts_table
from tests.support.postgresql import PostgreSQL, plain, running_pgbouncer, running_postgresql

COUNTS = [("2018-10-12 14:00:00", "2018-10-12 14:30:00", "Traffic Stop", "Handled", 6)]
BATCH = a_batch(read=7, counted=6, rejected=1)
REJECTED = [{"topic": "calls", "partition": 0, "offset": 3, "reason": "not UTF-8", "value": b"\xff"}]
END_THE_OTHERS = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with running_postgresql() as server:
        yield server


@pytest.fixture
def database(server: PostgreSQL) -> Iterator[Database]:
    database = open_database(server.url, QUESTION)
    StoreWriter(database).adopt_stream("query", {})
    yield database
    database.drop()
    database.close()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def write(database: Database, said: list[str]) -> Callable[..., None]:
    """Writes a batch of counts and a rejected record, and tries again for a while."""
    retry = Retry("1 minute", say=said.append, is_stopped=lambda: False)

    def write(check: Callable[[Connection], None] | None = None) -> None:
        retry.run(lambda: StoreWriter(database).write_batch(BATCH, a_counts_table(COUNTS), REJECTED, check))

    return write


def assert_stored_once(database: Database) -> None:
    reader = StoreReader(database)
    assert reader.books().is_balanced
    assert [(row["crime_type"], row["calls"]) for row in reader.all_counts()] == [("Traffic Stop", 6)]
    assert reader.rejected(5) == REJECTED
    assert len(reader.last_batches(5)) == 1


class Once:
    """Does something the first time that it is called."""

    def __init__(self, action: Callable[[], object]) -> None:
        self.action, self.calls = action, 0

    def __call__(self, *_: Any) -> None:
        self.calls += 1
        if self.calls == 1:
            self.action()


def end_the_others(server: PostgreSQL) -> None:
    with psycopg.connect(plain(server.url), autocommit=True) as admin:
        admin.execute(END_THE_OTHERS)


@pytest.mark.parametrize("is_restarted", [True, False], ids=["the server is restarted", "its backend is ended"])
def test_a_batch_whose_connection_ends_before_the_commit_is_stored_once(
    server: PostgreSQL, database: Database, write: Callable[..., None], said: list[str], is_restarted: bool
) -> None:
    def restart() -> None:
        server.stop()
        server.start()

    with database.held():
        fault = Once(restart if is_restarted else lambda: end_the_others(server))

        def check(_: Connection) -> None:
            fault()
            database.keep_held()

        write(check)

        assert database.is_held()
    assert_stored_once(database)
    assert (fault.calls, len(said)) == (2, 1)
    assert "waiting for it, up to 1 minute (STORE_RETRY)" in said[0]


def test_a_batch_whose_server_is_restarted_behind_a_pooler_is_stored_once(
    server: PostgreSQL, database: Database, said: list[str]
) -> None:
    def restart() -> None:
        server.stop()
        server.start()

    fault = Once(restart)
    with (
        running_pgbouncer(server) as port,
        closing(open_database(server.url.replace(f":{server.port}/", f":{port}/"), QUESTION)) as pooled,
        pooled.held(),
    ):

        def check(_: Connection) -> None:
            fault()
            pooled.keep_held()

        retry = Retry("1 minute", say=said.append, is_stopped=lambda: False)
        retry.run(lambda: StoreWriter(pooled).write_batch(BATCH, a_counts_table(COUNTS), REJECTED, check))
        assert database.is_held()

    assert_stored_once(database)
    assert len(said) == 1


def test_a_batch_that_was_committed_as_the_connection_died_is_stored_once(
    server: PostgreSQL, database: Database, write: Callable[..., None], said: list[str]
) -> None:
    commit = database.dialect.do_commit

    def commit_unheard(connection: Any) -> None:
        commit(connection)
        end_the_others(server)
        connection.execute("SELECT 1")

    with pytest.MonkeyPatch.context() as patch:
        fault = Once(lambda: patch.setattr(database.dialect, "do_commit", commit))
        patch.setattr(database.dialect, "do_commit", lambda connection: (fault(), commit_unheard(connection)))
        write()

    assert_stored_once(database)
    assert (fault.calls, len(said)) == (1, 1)


def test_a_batch_waits_for_a_lock_that_a_lost_transaction_has_left(
    server: PostgreSQL, database: Database, write: Callable[..., None], said: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(backend, "LOCK_TIMEOUT", "100ms")
    with psycopg.connect(plain(server.url)) as lost:
        lost.execute("LOCK TABLE sf_police.batches IN EXCLUSIVE MODE")
        said_before = Once(lost.rollback)
        event.listen(database._engine, "begin", lambda _: said and said_before())

        write()

    assert_stored_once(database)
    assert len(said) == 1
    assert "is locked by another connection's open transaction, after 100ms of waiting; waiting for it" in said[0]


def test_a_transaction_that_lost_to_another_in_a_deadlock_is_tried_again(
    database: Database, write: Callable[..., None], said: list[str]
) -> None:
    def check(connection: Connection) -> None:
        if not said:
            connection.exec_driver_sql("DO $$BEGIN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END$$")

    write(check)

    assert_stored_once(database)
    assert len(said) == 1


def test_a_batch_whose_connection_ends_within_a_copy_is_stored_once(
    server: PostgreSQL, database: Database, said: list[str]
) -> None:
    rows = [{**REJECTED[0], "offset": offset} for offset in range(800)]

    class Rejected:
        """Ends the connection in the middle of the first reading."""

        fault = Once(lambda: end_the_others(server))

        def __iter__(self) -> Iterator[dict[str, Any]]:
            yield from rows[:600]
            self.fault()
            yield from rows[600:]

    rejected: Any = Rejected()
    counts = [(*COUNTS[0][:2], f"Type {n}", "Handled", 1) for n in range(700)]
    batch = a_batch(read=1_500, counted=700, rejected=800)
    Retry("1 minute", say=said.append, is_stopped=lambda: False).run(
        lambda: StoreWriter(database).write_batch(batch, a_counts_table(counts), rejected)
    )

    reader = StoreReader(database)
    assert reader.books().is_balanced
    assert (len(reader.all_counts()), len(reader.rejected(1_000))) == (700, 800)
    assert (rejected.fault.calls, len(said)) == (2, 1)


def test_what_a_copy_is_refused_for_is_said_in_one_line_and_nothing_is_stored(database: Database) -> None:
    rows = [{**REJECTED[0], "offset": offset} for offset in [*range(600), 7]]

    with pytest.raises(
        SfPoliceError, match='the store at .* duplicate key value violates unique constraint "rej'
    ) as no:
        StoreWriter(database).write_batch(a_batch(read=601, rejected=601), a_counts_table([]), rows)

    assert not isinstance(no.value, LostStoreError)
    assert "\n" not in str(no.value)
    assert StoreReader(database).is_empty()


def test_a_role_that_may_make_no_temporary_table_is_told_what_to_grant(server: PostgreSQL, database: Database) -> None:
    with psycopg.connect(plain(server.url), autocommit=True) as admin:
        admin.execute("REVOKE TEMPORARY ON DATABASE postgres FROM PUBLIC")
        admin.execute("CREATE ROLE writer LOGIN")
        admin.execute("GRANT USAGE ON SCHEMA sf_police TO writer")
        admin.execute("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA sf_police TO writer")
        counts = [(*COUNTS[0][:2], f"Type {n}", "Handled", 1) for n in range(500)]
        batch = a_batch(read=500, counted=500)

        with closing(open_database(server.url.replace("tester@", "writer@"), QUESTION)) as theirs:
            with pytest.raises(SfPoliceError, match="temporary tables .*: GRANT TEMPORARY ON DATABASE to the stream"):
                StoreWriter(theirs).write_batch(batch, a_counts_table(counts), [])
            assert StoreReader(database).is_empty()
            admin.execute("GRANT TEMPORARY ON DATABASE postgres TO writer")
            StoreWriter(theirs).write_batch(batch, a_counts_table(counts), [])

        assert StoreReader(database).books().stored_counted == 500
        admin.execute("DROP OWNED BY writer")
        admin.execute("DROP ROLE writer")


def test_a_statement_that_takes_longer_than_its_role_may_says_what_to_set(
    database: Database, write: Callable[..., None], said: list[str]
) -> None:
    def check(connection: Connection) -> None:
        connection.exec_driver_sql("SET LOCAL statement_timeout = '10ms'")
        connection.exec_driver_sql("SELECT pg_sleep(5)")

    with pytest.raises(SfPoliceError, match="statement timeout: set statement_timeout to 0 for the stream's user, or"):
        write(check)
    assert said == []


def test_what_is_wrong_with_the_data_is_not_tried_again(
    database: Database, write: Callable[..., None], said: list[str]
) -> None:
    with pytest.raises(SfPoliceError, match="division by zero") as failed:
        write(lambda connection: connection.exec_driver_sql("SELECT 1 / 0"))

    assert not isinstance(failed.value, LostStoreError)
    assert said == []


def test_a_server_that_is_away_at_the_start_is_not_waited_for(server: PostgreSQL) -> None:
    server.stop()
    try:
        with closing(open_database(server.url, QUESTION)) as database, pytest.raises(SfPoliceError) as refused:
            database.exists()
    finally:
        server.start()
    assert "Connection refused: start the server, or check host and port in STORE (or PGHOST, PGPORT)" in str(
        refused.value
    )
