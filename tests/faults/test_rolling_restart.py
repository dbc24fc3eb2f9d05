"""Three secured brokers are restarted one by one, which neither the stream nor the producer notices."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from tests.integration.test_main_job import assert_equals_recount
from tests.support.invariants import assert_exact, in_order
from tests.support.job import Job
from tests.support.records import calls_file
from tests.support.secured import SecuredBrokers, all_rights, secured_brokers, secured_job
from tests.support.waiting import eventually, wait_for_line


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[SecuredBrokers]:
    with secured_brokers(tmp_path / "cluster", 3) as brokers:
        yield brokers


@pytest.mark.timeout(600)  # three restarts, and perhaps the start of the brokers
def test_three_brokers_are_restarted_one_by_one_and_nothing_stops(cluster: SecuredBrokers, tmp_path: Path) -> None:
    job = secured_job(cluster, cluster.login("scram-sha-256"), "rolling", tmp_path)
    all_rights(cluster, job.topic)
    file, sent = calls_file(tmp_path, 20_000)
    job.run("create-topic")
    assert copies(cluster, job.topic) == {3}
    stream = job.start("stream", TRIGGER="1 second", KAFKA_CLIENT_PROPERTIES=str(cluster.login("plain")))
    producing = job.start("produce", "--rate", "50", str(file))  # for minutes: it is interrupted

    try:
        wait_for_line(stream, "batch 0")
        for broker in range(3):
            cluster.restart(broker)
            eventually(partial(goes_on, job, counted(job)), AssertionError)
        assert (stream.poll(), producing.poll()) == (None, None)
        producing.send_signal(signal.SIGINT)
        _, told = producing.communicate(timeout=60)
        assert producing.returncode == 130, told
        assert "of 20,000 calls; sending the other" in job.run("produce", str(file)).stderr
        eventually(lambda: goes_on(job, len(sent) - 1), AssertionError)
    finally:
        producing.kill()
        stream.terminate()
        _, said = stream.communicate(timeout=120)

    assert stream.returncode == 0, said
    in_order(job, file)
    assert assert_exact(job)["read"] == len(sent)
    assert_equals_recount(job, sent)


def copies(cluster: SecuredBrokers, topic: str) -> set[int]:
    with cluster.admin() as admin:
        [found] = admin.describe_topics([topic])
    return {len(partition["replica_nodes"]) for partition in found["partitions"]}


def counted(job: Job) -> int:
    """Records that the stream has read."""
    with closing(sqlite3.connect(job.state / "answers.db")) as connection:
        [[number]] = connection.execute('SELECT COALESCE(SUM("read"), 0) FROM batches')
    return int(number)


def goes_on(job: Job, seen: int) -> None:
    assert counted(job) > seen
