"""The real commands as three roles of a real PostgreSQL: the owner makes it, the writer streams, the reader reads."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg
import pytest

from sf_police.calls.generate import generate_calls
from tests.support import recount
from tests.support.job import Job, books
from tests.support.postgresql import plain, running_postgresql
from tests.support.roles import OWNER, READER, WRITER, as_role, with_roles

CALLS = list(generate_calls(calls=2_000))
OWNERS = "SELECT DISTINCT tableowner::text FROM pg_tables WHERE schemaname = 'sf_police'"


@pytest.fixture
def url() -> Iterator[str]:
    with running_postgresql() as server, with_roles(server.url) as url:
        yield url


def test_a_stream_that_owns_nothing_and_a_reader_that_writes_nothing(url: str, job: Job) -> None:
    writer, reader = ({"STORE": as_role(url, role)} for role in (WRITER, READER))
    path = job.state.with_name("calls.json")
    path.write_text(json.dumps(CALLS))
    job.run("produce", str(path))
    refused = job.run("stream", "--until-end", check=False, **writer)
    assert (refused.returncode, refused.stderr.splitlines()[-1].endswith("as the owner")) == (1, True), refused.stderr

    assert "made counts" in job.run("init-store", STORE=as_role(url, OWNER)).stdout
    many = {"MAX_OFFSETS_PER_TRIGGER": "15", "RETENTION": "0 seconds"}  # more than the 100 that always stay
    first = job.run("stream", "--until-end", **many, **writer)
    job.send(b"no call")
    again = job.run("stream", "--until-end", **writer)

    assert "resuming from the checkpoint" in again.stderr
    assert books(first.stderr)["read"] == len(CALLS)
    assert "34 micro-batches no longer kept one by one (RETENTION)" in first.stderr
    assert books(again.stderr)["rejected"] == 1
    printed = json.loads(job.run("answer", "--format", "json", **reader).stdout)
    assert printed["totals"]["calls"] == sum(recount.counts(CALLS).values())
    assert "no call" in job.run("rejected", **reader).stdout
    assert job.run("report", **reader).stdout.strip().endswith("report.html")
    assert "counted, and the books balance" in job.run("doctor", check=False, **reader).stdout
    assert "nothing was late" in job.run("late", **reader).stdout
    with psycopg.connect(plain(url)) as connection:
        assert connection.execute(OWNERS).fetchall() == [(OWNER,)]

    kept = job.run("reset", check=False, **writer)
    assert (kept.returncode, "nothing was deleted: run" in kept.stderr) == (1, True), kept.stderr
    assert job.run("answer", "--format", "json", **reader).stdout
    job.run("reset", STORE=as_role(url, OWNER))
    refused = job.run("stream", "--until-end", check=False, **reader)
    assert (refused.returncode, refused.stderr.count("error: ")) == (1, 1), refused.stderr
