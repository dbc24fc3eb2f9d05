"""The stream with its store in a real PostgreSQL: the server is restarted under it; a pooler is before it."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psycopg
import pytest

from sf_police.calls.generate import generate_calls
from tests.support import recount
from tests.support.brokers import free_ports
from tests.support.dashboard import Dashboard
from tests.support.job import Job, books
from tests.support.postgresql import PostgreSQL, plain, running_pgbouncer, running_postgresql
from tests.support.waiting import eventually, wait_for_line

CANARY = "c4nary-s3cret"
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


def in_one_line(said: str) -> str:
    """What a stream that has failed says at its end: one error, in its last line."""
    assert said.count("error: ") == 1, said
    assert said.count("(STORE_RETRY)\n") <= 1, said
    return said.splitlines()[-1]


def assert_exact_when_run_again(job: Job, database: str) -> None:
    done = job.run("stream", "--until-end", STORE=database)
    assert "resuming from the checkpoint" in done.stderr
    assert books(done.stderr)["read"] == len(CALLS)
    assert stored_counts(database) == recount.counts(CALLS)


def test_a_stream_whose_server_is_restarted_and_whose_connections_are_ended_waits_and_is_exact(
    server: PostgreSQL, database: str, job: Job
) -> None:
    produce(job, CALLS)
    stream = job.start("stream", "--until-end", STORE=database, MAX_OFFSETS_PER_TRIGGER="30")
    wait_for_line(stream, "batch 3")
    server.stop()
    # One that is back before the next micro-batch is not missed at all.
    assert "waiting for it, up to 2 minutes (STORE_RETRY)" in wait_for_line(stream, "the store at")
    server.start()
    wait_for_line(stream, "batch ")
    with psycopg.connect(plain(server.url), autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'mine'")
    _, said = stream.communicate(timeout=120)

    assert (stream.returncode, "error" in said) == (0, False), said
    assert books(said)["read"] == len(CALLS)
    assert stored_counts(database) == recount.counts(CALLS)


def test_a_stream_whose_server_stays_away_ends_with_one_line_and_is_exact_when_run_again(
    server: PostgreSQL, database: str, job: Job
) -> None:
    produce(job, CALLS)
    settings = {"STORE": database, "STORE_RETRY": "2 seconds"}
    stream = job.start("stream", "--until-end", **settings, MAX_OFFSETS_PER_TRIGGER="30")
    wait_for_line(stream, "batch 3")
    server.stop()
    try:
        _, said = stream.communicate(timeout=60)
        at_the_start = job.run("stream", "--until-end", check=False, **settings)
    finally:
        server.start()

    assert stream.returncode == at_the_start.returncode == 1
    assert in_one_line(said).startswith("error: the store at postgresql+psycopg://tester@127.0.0.1")
    assert in_one_line(said).endswith(
        "Connection refused, for 2 seconds (STORE_RETRY); what was committed is kept: "
        "start the server, or check host and port in STORE (or PGHOST, PGPORT), then run again"
    )
    assert in_one_line(at_the_start.stderr) == at_the_start.stderr.strip()
    assert at_the_start.stderr.endswith(": start the server, or check host and port in STORE (or PGHOST, PGPORT)\n")
    assert_exact_when_run_again(job, database)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_wait_for_a_server(
    server: PostgreSQL, database: str, job: Job, number: signal.Signals
) -> None:
    produce(job, CALLS)
    stream = job.start("stream", "--until-end", STORE=database, STORE_RETRY="1 hour", MAX_OFFSETS_PER_TRIGGER="30")
    wait_for_line(stream, "batch 3")
    server.stop()
    try:
        wait_for_line(stream, "waiting for it, up to 1 hour")
        stream.send_signal(number)
        _, said = stream.communicate(timeout=60)
    finally:
        server.start()

    assert stream.returncode == 1
    assert in_one_line(said).startswith("error: ended while the store was lost: the store at postgresql+psycopg://")
    assert_exact_when_run_again(job, database)


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


def test_a_password_of_the_store_is_seen_nowhere(job: Job, tmp_path: Path) -> None:
    produce(job, CALLS)
    with running_postgresql(CANARY) as server:
        settings = {"STORE": server.url, "MAX_OFFSETS_PER_TRIGGER": "300", "METRICS_PORT": str(free_ports())}
        stream = job.start("stream", "-v", **settings)
        wait_for_line(stream, "batch 3")
        said = [urlopen(f"http://127.0.0.1:{settings['METRICS_PORT']}/metrics").read().decode()]
        dashboard = Dashboard(server.url, STATE_DIR=str(job.state)).start()
        said += [dashboard.get(path)[1] for path in ("/", "/data/state.json", "/metrics")]
        said.append(subprocess.run(["ps", "-axww", "-o", "args="], capture_output=True, text=True, check=True).stdout)
        dashboard.stop()
        server.stop()
        wait_for_line(stream, "waiting for it, up to 2 minutes")
        stream.terminate()
        said += stream.communicate(timeout=60)
        for command in (["answer"], ["doctor"], ["reset"], ["report", "--to", str(tmp_path / "report")]):
            done = job.run(*command, "-v", check=False, **settings)
            said += [done.stdout, done.stderr]
        server.start()

    assert [text for text in said if CANARY in text] == []
    assert "the store at postgresql+psycopg://tester:***@127.0.0.1" in "".join(said)
    for path in job.state.rglob("*"):
        assert not path.is_file() or CANARY.encode() not in path.read_bytes(), path
