"""Workers and drivers that are lost: what is counted stays exact."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support import oracle
from tests.support.environment import ROOT
from tests.support.job import Job
from tests.support.spark_cluster import SparkCluster, killed, on_cluster, running_stream, some_calls, wait_amid_batch

CALLS = 20_000
BATCHES = {"MAX_OFFSETS_PER_TRIGGER": "2500", "STATE_PARTITIONS": "4"}


def test_what_a_lost_worker_makes_spark_count_twice_is_run_again(workers: SparkCluster, job: Job) -> None:
    on_cluster(job, workers, **{**BATCHES, "STATE_PARTITIONS": "16"})
    some_calls(job, CALLS)
    command = [sys.executable, "-m", "tests.support.lost_executor", "2", str(workers.pid("worker-1"))]

    done = subprocess.run(
        [*command, "stream", "--until-end"], env=job.env, capture_output=True, text=True, timeout=240, cwd=ROOT
    )
    assert workers.start().returncode == 0

    assert done.returncode == 0, done.stderr
    assert "a worker killed in the second stage" in done.stderr
    assert "batch 2" in done.stderr
    assert "running it again" in done.stderr
    assert oracle.assert_exact(job.state / "answers.db", job.kafka, job.topic)["read"] == CALLS


def test_every_worker_is_killed_in_turn_and_started_again(workers: SparkCluster, job: Job) -> None:
    on_cluster(job, workers, **BATCHES)
    some_calls(job, CALLS)
    with running_stream(job) as stream:
        for batch, worker in ((1, 1), (4, 2)):
            wait_amid_batch(job, stream, batch)
            workers.kill_worker(worker)
            assert workers.start().returncode == 0
        _, said = stream.communicate(timeout=240)

    assert stream.returncode == 0, said
    assert oracle.assert_exact(job.state / "answers.db", job.kafka, job.topic)["read"] == CALLS


def test_all_workers_are_killed_and_started_again_while_the_stream_waits(workers: SparkCluster, job: Job) -> None:
    on_cluster(job, workers, **BATCHES)
    some_calls(job, CALLS)
    with running_stream(job) as stream:
        wait_amid_batch(job, stream, 2)
        workers.kill_worker(1)
        workers.kill_worker(2)
        assert workers.start().returncode == 0
        _, said = stream.communicate(timeout=240)

    assert stream.returncode == 0, said
    assert oracle.assert_exact(job.state / "answers.db", job.kafka, job.topic)["read"] == CALLS


@pytest.mark.parametrize("batches", [BATCHES, {"MAX_OFFSETS_PER_TRIGGER": "6000"}], ids=["small", "compiled"])
def test_the_driver_is_killed_again_and_again_and_goes_on_elsewhere(
    workers: SparkCluster, job: Job, tmp_path: Path, batches: dict[str, str]
) -> None:
    store, shared = tmp_path / "store.db", tmp_path / "shared"
    on_cluster(job, workers, CHECKPOINT=str(shared), STORE=f"sqlite:///{store}", **batches)
    job.env["CHECKPOINT"] = str(shared)
    some_calls(job, CALLS)
    for number, batch in enumerate((0, 1, 2)):
        with running_stream(job, STATE_DIR=str(tmp_path / f"machine {number}")) as stream:
            wait_amid_batch(job, stream, batch)
            killed(stream)
    job.run("stream", "--until-end", STATE_DIR=str(tmp_path / "the last machine"))

    assert oracle.assert_exact(store, job.kafka, job.topic)["read"] == CALLS


def test_the_answer_is_that_of_one_machine_in_any_zone(
    workers: SparkCluster, make_job: Callable[..., Job], job: Job
) -> None:
    some_calls(job, CALLS)
    job.env["TZ"] = "Asia/Kolkata"
    alone = make_job(partitions=0)
    alone.env.update({**job.env, **alone.env, "SF_POLICE_KAFKA_TOPIC": job.topic, "KAFKA_TOPIC": job.topic})
    alone.run("stream", "--until-end")
    on_cluster(job, workers)
    job.run("stream", "--until-end")

    def counts(of: Job) -> list[str]:
        with closing(sqlite3.connect(of.state / "answers.db")) as connection, connection:
            return sorted(json.dumps(row) for row in connection.execute("SELECT * FROM window_answers"))

    assert counts(job) == counts(alone)
    assert oracle.assert_exact(job.state / "answers.db", job.kafka, job.topic)["read"] == CALLS
