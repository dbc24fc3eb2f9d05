"""Two drivers on one store: one transaction after the other, each batch once, also through a pooler."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest
from sqlalchemy.engine import Connection

from sf_police.calls import QUESTION
from sf_police.errors import SfPoliceError
from sf_police.store.answers import StoreReader
from sf_police.store.database import open_database
from sf_police.store.writer import StoreWriter
from tests.support.builders import a_batch, a_counts_table
from tests.support.postgresql import PostgreSQL, plain, running_pgbouncer, running_postgresql
from tests.support.waiting import eventually

WINDOW = ("2018-10-12 14:00:00", "2018-10-12 14:30:00")
BATCHES = 12
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND wait_event = 'advisory'"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with running_postgresql() as server:
        yield server


@pytest.fixture(params=["direct", "pooled"])
def url(request: pytest.FixtureRequest, server: PostgreSQL) -> Iterator[str]:
    """A store that the stream `query` has adopted, by two ways."""
    with closing(open_database(server.url, QUESTION)) as database:
        StoreWriter(database).adopt_stream("query", {})
        if request.param == "direct":
            yield server.url
        else:
            with running_pgbouncer(server) as port:
                yield server.url.replace(f":{server.port}/", f":{port}/")
        database.drop()


def write(url: str, number: int, check: Callable[[Connection], None] | None = None, query_id: str = "query") -> None:
    """Write a batch of 600 counts as a driver of its own; of each key there is one call more."""
    counts = [(*WINDOW, f"Type {n}", "Handled", 1) for n in range(600)]
    batch = a_batch(number, start=600 * number, read=600, counted=600, query_id=query_id)
    with closing(open_database(url, QUESTION)) as database:
        StoreWriter(database).write_batch(batch, a_counts_table(counts), [], check)


def test_a_second_driver_waits_for_the_first_ones_transaction(url: str, server: PostgreSQL) -> None:
    with ThreadPoolExecutor() as pool, psycopg.connect(plain(server.url), autocommit=True) as admin:

        def is_waiting() -> None:
            assert admin.execute(WAITING).fetchone() == (1,)

        second = []

        def check(_: Connection) -> None:
            second.append(pool.submit(write, url, 1))
            eventually(is_waiting, AssertionError, seconds=9)

        write(url, 0, check)
        second[0].result(timeout=60)

    with closing(open_database(url, QUESTION)) as database:
        assert [batch.batch_id for batch in StoreReader(database).last_batches(5)] == [1, 0]
        assert StoreReader(database).books().is_balanced


def test_two_drivers_of_one_stream_that_race_store_each_batch_once(url: str) -> None:
    def drive() -> None:
        for number in range(BATCHES):
            write(url, number)

    with ThreadPoolExecutor() as pool:
        for driver in [pool.submit(drive) for _ in range(2)]:
            driver.result(timeout=120)

    with closing(open_database(url, QUESTION)) as database:
        reader = StoreReader(database)
        assert {row["calls"] for row in reader.all_counts()} == {BATCHES}
        assert reader.books().is_balanced
        assert len(reader.last_batches(100)) == BATCHES


def test_a_driver_whose_store_another_stream_adopts_meanwhile_stores_nothing_more(url: str) -> None:
    write(url, 0)
    with closing(open_database(url, QUESTION)) as database, ThreadPoolExecutor() as pool:
        adopting = []

        def check(_: Connection) -> None:
            adopting.append(pool.submit(StoreWriter(database).adopt_stream, "another", {}))

        write(url, 1, check)
        adopting[0].result(timeout=60)

        with pytest.raises(SfPoliceError, match="was given to another stream while this one was running"):
            write(url, 2)
        assert [batch.batch_id for batch in StoreReader(database).last_batches(5)] == [1, 0]


@pytest.mark.parametrize("url", ["direct"], indirect=True)
@pytest.mark.parametrize(("default", "expected"), [("off", "on"), ("on", "on"), ("local", "local")])
def test_a_commit_is_on_disk_before_it_is_answered_whatever_the_servers_default(
    url: str, server: PostgreSQL, default: str, expected: str
) -> None:
    seen: list[object] = []
    with psycopg.connect(plain(server.url), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE postgres SET synchronous_commit = {default}")
        try:
            write(url, 0, lambda each: seen.append(each.exec_driver_sql("SHOW synchronous_commit").scalar()))
        finally:
            admin.execute("ALTER DATABASE postgres RESET synchronous_commit")
    assert seen == [expected]
