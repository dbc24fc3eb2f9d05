"""`fetch` and `follow` beside the real stream, against a server of open data on this machine."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from tests.support import city, recount
from tests.support.city import BEGIN, City, ManyRows
from tests.support.invariants import counted
from tests.support.job import Job, books
from tests.support.socrata import open_data

OPEN_AFTER = timedelta(hours=24)


def test_calls_are_counted_once_each_as_they_are_decided(make_job: Callable[..., Job]) -> None:
    job = make_job(partitions=0)
    calls = city.calls(1_500, 2, seed=1)
    live = City(calls)
    with open_data(gnap_fj3t=live) as server:
        follow = {"FEED_HOST": server.url, "WATERMARK": "4 days"}
        for hour in (20, 40, 60, 80, 90):  # often enough to see each call while it is there
            live.now = BEGIN + timedelta(hours=hour)
            done = job.run("follow", "--once", **follow)
        assert "the topic holds" in done.stderr
        assert job.run("follow", "--once", **follow).stderr.splitlines()[-1].startswith("sent 0 calls")

    streamed = job.run("stream", "--until-end", WATERMARK="4 days")

    expected = [call.as_counted(OPEN_AFTER) for call in calls]
    assert books(streamed.stderr) == {"read": 1_536, "counted": 1_536, "duplicates": 0, "late": 0, "rejected": 0}
    assert counted(job) == recount.counts_of(expected)


def test_a_topic_of_something_else_is_not_mixed_with(job: Job) -> None:
    job.send(b'{"crime_id": "1"}')
    with open_data(gnap_fj3t=City(city.calls(10, 0.1, seed=1))) as server:
        server.datasets["gnap-fj3t"].now = BEGIN + timedelta(hours=9)  # type: ignore[attr-defined]
        refused = job.run("follow", "--once", FEED_HOST=server.url, check=False)

    assert refused.returncode == 1
    assert f"error: {job.topic} holds records of no feed (partition 0, offset 0), and those of sf-live would be" in (
        refused.stderr
    )


def test_fetched_calls_are_sent_and_counted(job: Job, tmp_path: Path) -> None:
    rows = ManyRows(3_000, seconds=60)
    path = tmp_path / "calls.json.gz"
    days = ("--from", "2026-05-01", "--to", "2026-05-02")
    with open_data(**{"2zdj_bwza": rows}) as server:
        fetched = job.run("fetch", *days, FEED_HOST=server.url, DATA=str(path), FEED_TOKEN="mine")
        again = job.run("fetch", *days, FEED_HOST=server.url, DATA=str(path), check=False)
    assert "wrote 2,880 calls of San Francisco to " in fetched.stderr
    assert {headers["X-App-Token"] for _, headers in server.requests} == {"mine"}
    assert "already exists: name another file, or overwrite it with --force" in again.stderr

    job.run("produce", str(path))
    streamed = job.run("stream", "--until-end")

    assert books(streamed.stderr) == {"read": 2_880, "counted": 2_880, "duplicates": 0, "late": 0, "rejected": 0}
    with gzip.open(path) as file:
        assert counted(job) == recount.counts_of([json.loads(line) for line in file])
