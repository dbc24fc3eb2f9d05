"""Executors: waited for, and not for ever; with the options that SPARK_CONF has for them."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.builders import a_value
from tests.support.job import Job
from tests.support.spark_cluster import SparkCluster, on_cluster, running_cluster, running_stream
from tests.support.waiting import wait_for_line


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkCluster]:
    with running_cluster(tmp_path_factory.mktemp("three"), workers=3) as cluster:
        yield cluster


def state_partitions(job: Job) -> int:
    with closing(sqlite3.connect(job.state / "answers.db")) as connection, connection:
        [(settings,)] = connection.execute("SELECT settings FROM streams")
    return int(json.loads(settings)["state_partitions"])


def test_state_partitions_are_one_per_core_of_executors_that_come_late(three: SparkCluster, job: Job) -> None:
    on_cluster(job, three)
    job.send(a_value())
    for worker in (1, 2, 3):
        three.kill_worker(worker)
    with running_stream(job) as stream:
        wait_for_line(stream, f"waiting for executors of {three.url}")
        assert three.start().returncode == 0
        _, said = stream.communicate(timeout=240)

    assert stream.returncode == 0, said
    assert state_partitions(job) == 3


def test_where_none_comes_that_is_said_in_one_line(workers: SparkCluster, job: Job) -> None:
    job.send(a_value())
    on_cluster(job, workers, SPARK_CONF="spark.executor.memory=3g spark.scheduler.maxRegisteredResourcesWaitingTime=3s")
    done = job.run("stream", "--until-end", check=False)

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"waiting for executors of {workers.url}",
        f"error: {workers.url} has given no executor of 3g within 3 s: look at its page: others may have taken all "
        "cores or memory, or no worker has as much: free some, or lower spark.executor.memory and "
        "spark.executor.cores in SPARK_CONF; or they end as they start: their logs on the workers say why",
    ]


def test_executors_that_die_at_once_are_said_in_one_line(workers: SparkCluster, job: Job) -> None:
    job.send(a_value())
    # Spark has Java ignore options that it does not know, but not an agent that is not there.
    options = "spark.executor.extraJavaOptions=-agentlib:nosuch spark.scheduler.maxRegisteredResourcesWaitingTime=20s"
    on_cluster(job, workers, SPARK_CONF=f"spark.executor.memory=512m {options}")
    done = job.run("stream", "--until-end", check=False)

    assert done.returncode == 1
    assert done.stderr.count("error: ") == 1
    # The master ends the application after ten executors, but only at a moment at which no other is starting.
    ends = (f"error: {workers.url} has ended the application", f"error: {workers.url} has given no executor of 512m")
    assert done.stderr.splitlines()[-1].startswith(ends)


def test_options_reach_driver_and_executors(workers: SparkCluster, job: Job, tmp_path: Path) -> None:
    options = tmp_path / "spark.conf"
    options.write_text(
        "spark.executor.memory 600m\nspark.cores.max 1\nspark.log.level INFO\nspark.app.name ours\n"
        "spark.executor.extraJavaOptions -Xss2m -Dours=executor\nspark.driver.extraJavaOptions -Xss3m -Dours=driver\n"
        "spark.hadoop.fs.s3a.secret.key c4nary\n"
    )
    on_cluster(job, workers, SPARK_CONF=str(options))
    job.send(a_value())
    stream = job.start("stream")
    wait_for_line(stream, "batch 0")
    executors = [pid for worker in (1, 2) for pid in workers.executors(worker)]
    everything = subprocess.run(["ps", "-axww", "-o", "pid=,args="], capture_output=True, text=True, check=True).stdout
    stream.terminate()
    stream.communicate(timeout=60)

    lines = {int(line.split()[0]): line for line in everything.splitlines()}
    [executor] = [lines[pid] for pid in executors]
    [driver] = [line for line in lines.values() if "-Dours=driver" in line]
    assert all(option in executor for option in (" -Xmx600M ", " -Xss2m ", " -Dours=executor "))
    assert " -Xss3m " in driver
    assert "c4nary" not in everything
    assert " INFO " in (job.state / "spark.log").read_text()
