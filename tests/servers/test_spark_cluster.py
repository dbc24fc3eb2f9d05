"""A Spark cluster by the scripts, and the stream on it: a worker is killed, and the driver, which goes on elsewhere."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import oracle
from tests.support.job import Job
from tests.support.sockets import is_loopback, listening_addresses_of, needs_proc
from tests.support.spark_cluster import (
    SparkCluster,
    ensure_gone,
    killed,
    on_cluster,
    running_cluster,
    running_stream,
    some_calls,
    wait_amid_batch,
)

CALLS = 20_000
# So that a batch has two stages of several tasks.
BATCHES = {"MAX_OFFSETS_PER_TRIGGER": "2500", "STATE_PARTITIONS": "4"}


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkCluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster") / "a é folder") as cluster:
        yield cluster


def test_a_second_start_changes_nothing_and_a_worker_that_has_died_is_started_again(workers: SparkCluster) -> None:
    pids = {name: workers.pid(name) for name in ("master", "worker-1", "worker-2")}
    workers.kill_worker(1)

    again = workers.start()

    assert (again.returncode, again.stdout) == (0, f"{workers.url}\n")
    assert again.stderr.count("is already running") == 2
    assert {name: workers.pid(name) for name in ("master", "worker-2")} == {
        name: pids[name] for name in ("master", "worker-2")
    }
    workers.options[1] = "3"
    other = workers.start()
    workers.options[1] = "2"
    assert other.returncode == 1
    assert other.stderr.endswith("run `make spark-stop` first, or say the same\n")


def test_a_port_that_is_taken_is_said_and_what_was_not_started_is_not_stopped(tmp_path: Path) -> None:
    cluster = SparkCluster(tmp_path / "state", workers=1)
    with socket.create_server(("127.0.0.1", cluster.port + 2)):
        refused = cluster.start()
    master = cluster.pid("master")
    stopped = cluster.stop()

    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1] == (
        f"error: port {cluster.port + 2} is in use by another program: stop it, or choose another by "
        '`make spark-start ARGS="--port PORT"`'
    )
    assert stopped.stderr == f"==> stopping the master with pid {master}\n"
    ensure_gone([master])


@needs_proc
def test_a_worker_is_killed_amid_a_batch_and_the_stream_goes_on(workers: SparkCluster, job: Job) -> None:
    on_cluster(job, workers, **BATCHES)
    some_calls(job, CALLS)
    with running_stream(job) as stream:
        wait_amid_batch(job, stream, 2)
        opened = listening_addresses_of(workers.pids())
        workers.kill_worker(1)
        _, said = stream.communicate(timeout=240)
    again = workers.start()

    assert (stream.returncode, again.returncode) == (0, 0), said
    # Master and workers with a page each, and the executors.
    assert len(opened) >= 8
    assert [socket for socket in opened if not is_loopback(socket)] == []
    assert oracle.assert_exact(job.state / "answers.db", job.kafka, job.topic)["read"] == CALLS


def test_the_driver_is_killed_and_goes_on_elsewhere(workers: SparkCluster, job: Job, tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    on_cluster(job, workers, CHECKPOINT=str(tmp_path / "shared"), STORE=f"sqlite:///{store}", **BATCHES)
    job.env["CHECKPOINT"] = str(tmp_path / "shared")
    some_calls(job, CALLS)
    with running_stream(job) as stream:
        wait_amid_batch(job, stream, 2)
        killed(stream)

    done = job.run("stream", "--until-end", STATE_DIR=str(tmp_path / "elsewhere"))

    assert "with its 4 state partitions" in done.stderr
    assert oracle.assert_exact(store, job.kafka, job.topic)["read"] == CALLS


def test_a_worker_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    with running_cluster(tmp_path / "state", workers=1) as cluster:
        pids = [cluster.pid(name) for name in ("master", "worker-1")]
        os.kill(pids[1], signal.SIGSTOP)
        cluster.env["SF_POLICE_SPARK_STOP_TIMEOUT"] = "1"
        stopped = cluster.stop()
    ensure_gone(pids)
    assert f"the worker-1 with pid {pids[1]} did not stop within 1 s: killing it" in stopped.stderr
