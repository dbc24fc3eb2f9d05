"""A checkpoint on HDFS: exact through kills, and one line when HDFS does not do what is asked of it."""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from tests.support import oracle
from tests.support.crash_points import run_dying
from tests.support.hdfs import Hdfs, hdfs
from tests.support.job import Job
from tests.support.waiting import eventually

POINTS = ("in a task", "in the store's transaction", "between the store's commit and Spark's")

# On a machine that has much else to do.
MOST_S = 900


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hdfs]:
    with hdfs(tmp_path_factory.mktemp("hdfs")) as server:
        yield server


def on_hdfs(job: Job, server: Hdfs, count: int, batch: int) -> None:
    data = job.state / "calls.json"
    job.state.mkdir(parents=True, exist_ok=True)
    job.run("generate", "--calls", str(count), "--data", str(data))
    job.run("produce", str(data))
    job.env |= {
        "SF_POLICE_CHECKPOINT": f"{server.uri}/jobs/{job.topic}", "SF_POLICE_MAX_OFFSETS_PER_TRIGGER": str(batch)
    }  # fmt: skip


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_point_it_is_exact(job: Job, server: Hdfs, point: str) -> None:
    on_hdfs(job, server, 2_000, 300)

    run_dying(job, point, 3)
    job.run("stream", "--until-end")

    oracle.assert_exact(job.state / "answers.db", job.kafka, job.topic)


def test_killed_at_random_it_is_exact_and_reset_deletes_what_is_ours(job: Job, server: Hdfs) -> None:
    on_hdfs(job, server, 20_000, 2_000)
    moments = random.Random(19)
    for stored in (1, 3, 6):
        process = job.start("stream", "--until-end")
        eventually(lambda stored=stored: assert_stored(job, stored), AssertionError, sqlite3.Error, seconds=MOST_S)
        time.sleep(moments.uniform(0, 1))  # not a wait: the moment of the kill is what is random
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    last = job.start("stream", "--until-end")
    _, said = last.communicate(timeout=MOST_S)

    assert last.returncode == 0, said
    oracle.assert_exact(job.state / "answers.db", job.kafka, job.topic)
    assert "deleted the checkpoint and the store; the next run starts over" in job.run("reset").stderr
    assert "nothing to delete" in job.run("reset").stderr


def test_hdfs_dies_and_comes_back(job: Job, server: Hdfs) -> None:
    on_hdfs(job, server, 2_000, 300)
    job.run("stream", "--until-end")
    server.kill()

    [line] = [line for line in failed(job) if line.startswith("error")]
    assert re.search(r"no name node answers at \S+:\d+: start HDFS", line), line
    server.start()
    job.run("stream", "--until-end")

    oracle.assert_exact(job.state / "answers.db", job.kafka, job.topic)


def test_safe_mode_is_one_line(make_job: Callable[..., Job], server: Hdfs) -> None:
    job = make_job()
    on_hdfs(job, server, 2_000, 300)
    server.tell("safe mode")
    try:
        [line] = [line for line in failed(job) if line.startswith("error")]
    finally:
        server.tell("out of safe mode")

    assert "HDFS is in safe mode" in line
    job.run("stream", "--until-end")
    oracle.assert_exact(job.state / "answers.db", job.kafka, job.topic)


def test_who_has_no_right_is_told(job: Job, server: Hdfs) -> None:
    on_hdfs(job, server, 500, 300)
    job.env["HADOOP_USER_NAME"] = "somebody"

    [line] = [line for line in failed(job) if line.startswith("error")]

    assert "the user somebody has no right to WRITE" in line, line


def assert_stored(job: Job, count: int) -> None:
    with closing(sqlite3.connect(f"file:{job.state / 'answers.db'}?mode=ro", uri=True)) as store:
        assert store.execute("SELECT COUNT(*) FROM batches").fetchone()[0] >= count


def failed(job: Job) -> list[str]:
    done = job.run("stream", "--until-end", check=False)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()
