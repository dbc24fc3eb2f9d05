"""The stream with its store in a real PostgreSQL: the server is restarted under it; a pooler is before it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from sf_police.calls.generate import generate_calls
from tests.support import recount
from tests.support.job import Job, books
from tests.support.postgresql import PostgreSQL, plain, running_pgbouncer, running_postgresql
from tests.support.waiting import eventually, wait_for_line

CALLS = list(generate_calls(calls=3_000))
COUNTS = "SELECT window_start::text, crime_type, resolution, SUM(calls)::int FROM sf_police.counts GROUP BY 1, 2, 3"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with running_postgresql() as server:
        yield server


@pytest.fixture
def database(server: PostgreSQL) -> Iterator[str]:
    """URL of a database of the test's own."""
    with psycopg.connect(plain(server.url), autocommit=True) as admin:
        admin.execute("CREATE DATABASE mine")
    yield server.url.removesuffix("postgres") + "mine"
    with psycopg.connect(plain(server.url), autocommit=True) as admin:
        admin.execute("DROP DATABASE mine WITH (FORCE)")


def stored_counts(url: str) -> dict[tuple[str, str, str], int]:
    with psycopg.connect(plain(url)) as connection:
        return {(start, name, resolution): calls for start, name, resolution, calls in connection.execute(COUNTS)}


def produce(job: Job, calls: list[dict[str, Any]]) -> None:
    path = job.state.with_name("calls.json")
    path.write_text(json.dumps(calls))
    job.run("produce", str(path), "--again")


def is_in_one_line(said: str) -> bool:
    """Whether the stream said once, at its end, that the server went away, and no more."""
    lines = said.splitlines()
    return lines[-1].startswith("error: the store at postgresql+psycopg://") and said.count("error: ") == 1


def test_a_stream_whose_server_is_restarted_ends_with_one_line_and_is_exact_when_run_again(
    server: PostgreSQL, database: str, job: Job
) -> None:
    produce(job, CALLS)
    stream = job.start("stream", "--until-end", STORE=database, MAX_OFFSETS_PER_TRIGGER="30")
    wait_for_line(stream, "batch 3")

    server.stop()
    _, said = stream.communicate(timeout=60)
    server.start()

    assert (stream.returncode, is_in_one_line(said)) == (1, True), said
    done = job.run("stream", "--until-end", STORE=database)
    assert "resuming from the checkpoint" in done.stderr
    assert books(done.stderr)["read"] == len(CALLS)
    assert stored_counts(database) == recount.counts(CALLS)


def test_an_idle_stream_survives_a_restart_of_its_server(server: PostgreSQL, database: str, job: Job) -> None:
    produce(job, CALLS[-10:])  # the oldest
    stream = job.start("stream", STORE=database)
    wait_for_line(stream, "batch 0")

    server.stop("fast")
    server.start()
    produce(job, CALLS[:-10])
    eventually(lambda: all_are_stored(database), AssertionError)
    stream.terminate()
    _, said = stream.communicate(timeout=60)

    assert (stream.returncode, "error" in said) == (0, False), said
    assert books(said)["read"] == len(CALLS)
    assert books(job.run("stream", "--until-end", STORE=database).stderr)["read"] == len(CALLS)


def all_are_stored(url: str) -> None:
    assert stored_counts(url) == recount.counts(CALLS)


def test_behind_a_pooler_in_transaction_mode_all_is_as_without(server: PostgreSQL, database: str, job: Job) -> None:
    produce(job, CALLS)
    with running_pgbouncer(server) as port:
        url = database.replace(f":{server.port}/", f":{port}/")
        done = job.run("stream", "--until-end", STORE=url, MAX_OFFSETS_PER_TRIGGER="500")

        assert books(done.stderr)["read"] == len(CALLS)
        assert stored_counts(database) == recount.counts(CALLS)
        through = job.run("answer", "--format", "csv", STORE=url).stdout
        assert through == job.run("answer", "--format", "csv", STORE=database).stdout != ""
        job.run("reset", STORE=url)
        with psycopg.connect(plain(database)) as connection:
            assert connection.execute("SELECT to_regnamespace('sf_police')").fetchone() == (None,)
        assert books(job.run("stream", "--until-end", STORE=url).stderr) == books(done.stderr)
        assert stored_counts(database) == recount.counts(CALLS)
