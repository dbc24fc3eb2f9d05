"""kill -9 of the stream's whole process tree, of the producer and of brokers: nothing lost, nothing twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from tests.support.brokers import Brokers
from tests.support.builders import a_value
from tests.support.crash_points import run_dying
from tests.support.environment import variables
from tests.support.fault_table import fault
from tests.support.invariants import assert_again_changes_nothing, assert_exact, in_order
from tests.support.job import Job, see_through
from tests.support.oracle import read_topic
from tests.support.records import some_records
from tests.support.waiting import wait_for_line

# Those that `make test` has time for are the ones in which something of a batch is already done.
POINTS: dict[str, Collection[pytest.MarkDecorator]] = {
    "before the offsets file": [],
    "after the offsets file": [],
    "in a task": [pytest.mark.quick],
    "in the store's transaction": [pytest.mark.quick],
    "between the store's commit and Spark's": [pytest.mark.quick],
}
SMALL = {"MAX_OFFSETS_PER_TRIGGER": "100"}


@pytest.mark.parametrize("point", [pytest.param(point, marks=marks) for point, marks in POINTS.items()])
def test_the_stream_is_killed_at_a_point(make_job: Callable[..., Job], point: str) -> None:
    job = make_job()
    some_records(job)
    run_dying(job, point, 2, **SMALL)

    with fault(f"stream killed {point}", "exact"):
        job.run("stream", "--until-end", **SMALL)
    assert assert_exact(job)["rejected"] > 0
    assert_again_changes_nothing(job)


@pytest.mark.parametrize("point", ["in a task", "between the store's commit and Spark's"])
def test_the_stream_with_its_state_in_rocksdb_is_killed_at_a_point(make_job: Callable[..., Job], point: str) -> None:
    job = make_job()
    job.env.update(variables(STATE_STORE="rocksdb"))
    some_records(job)
    run_dying(job, point, 2, **SMALL)

    with fault(f"stream with its state in RocksDB killed {point}", "exact"):
        job.run("stream", "--until-end", **SMALL)
    assert assert_exact(job)["duplicates"] > 0
    assert_again_changes_nothing(job)


def test_the_stream_is_killed_twenty_times_at_random(make_job: Callable[..., Job], tmp_path: Path) -> None:
    job = make_job()
    job.run("generate")
    job.run("produce")
    rng = random.Random(5)
    for _ in range(20):
        process = job.start("stream", "--until-end", MAX_OFFSETS_PER_TRIGGER="4000")
        wait_for_line(process, "resuming", "batch ")
        time.sleep(rng.uniform(0, 3))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]
        process.stderr.close()

    with fault("stream killed 20 times at random, 199,999 calls", "exact"):
        job.run("stream", "--until-end")
    assert assert_exact(job) == {"read": 199_999, "counted": 199_995, "duplicates": 4, "late": 0, "rejected": 0}
    assert_again_changes_nothing(job)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_stream_is_asked_to_end(make_job: Callable[..., Job], number: signal.Signals) -> None:
    job = make_job()
    some_records(job)
    process = job.start("stream", "--until-end", **SMALL)
    wait_for_line(process, "batch 0: ")
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == 128 + number

    with fault(f"stream ended by {number.name}", "exact"):
        job.run("stream", "--until-end", **SMALL)
    assert_exact(job)


@pytest.mark.parametrize("line", ["MAX_OFFSETS_PER_TRIGGER=", "batch 0: "], ids=["before", "while it counts"])
def test_the_jvm_alone_is_killed(make_job: Callable[..., Job], line: str) -> None:
    job = make_job()
    some_records(job)
    process = job.start("stream", "--until-end", **SMALL)
    wait_for_line(process, line)
    [jvm] = subprocess.run(
        ["pgrep", "-P", str(process.pid), "java"], capture_output=True, text=True, check=True
    ).stdout.split()
    os.kill(int(jvm), signal.SIGKILL)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in said

    moment = "while it counts" if "batch" in line else "before it counts"
    with fault(f"Spark's JVM killed, Python not, {moment}", "one line; then exact"):
        job.run("stream", "--until-end", **SMALL)
    assert_exact(job)


def wait_for_records(job: Job, count: int) -> None:
    while sum(len(there) for there in read_topic(job.kafka, job.topic).values()) < count:
        pass


def test_the_producer_is_killed_at_three_quarters_of_the_file(make_job: Callable[..., Job]) -> None:
    job = make_job()
    job.run("generate", "--calls", "60000")
    for share in (0.25, 0.5, 0.75):
        process = job.start("produce", "--rate", "25000")
        wait_for_records(job, int(60_000 * share))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

    with fault("producer killed at 25, 50 and 75 %", "the topic holds the file once, in order"):
        job.run("produce")
    in_order(job, job.state / "calls.json")


def own_job(brokers: Brokers, tmp_path: Path, **extra: str) -> Job:
    job = Job(brokers.servers, "calls", tmp_path / "job")
    job.env.update(variables(**extra))
    job.run("create-topic")
    job.run("generate", "--calls", "60000")
    return job


def test_the_broker_is_killed_while_records_come(brokers: Brokers, tmp_path: Path) -> None:
    job = own_job(brokers, tmp_path)
    process = job.start("produce", "--rate", "15000")
    wait_for_records(job, 20_000)
    brokers.kill()
    with fault("the only broker killed while records come, and started again", "nothing acknowledged is lost"):
        brokers.start()
        see_through(job, process, "produce", timeout=180)
    in_order(job, job.state / "calls.json")


def test_the_broker_stands_still_for_40_seconds_while_records_come(brokers: Brokers, tmp_path: Path) -> None:
    job = own_job(brokers, tmp_path)
    process = job.start("produce", "--rate", "15000")
    wait_for_records(job, 20_000)
    brokers.signal(signal.SIGSTOP)
    time.sleep(40)
    brokers.signal(signal.SIGCONT)
    with fault("the broker stopped for 40 s (SIGSTOP) while records come", "nothing acknowledged is lost"):
        see_through(job, process, "produce", timeout=180)
    in_order(job, job.state / "calls.json")


def test_the_broker_is_killed_while_the_stream_reads(brokers: Brokers, tmp_path: Path) -> None:
    job = own_job(brokers, tmp_path)
    job.run("produce")
    process = job.start("stream", "--until-end", MAX_OFFSETS_PER_TRIGGER="2000")
    wait_for_line(process, "batch 0: ")
    brokers.kill()
    with fault("the only broker killed while the stream reads, and started again", "exact"):
        brokers.start()
        see_through(job, process, "stream", "--until-end", timeout=200)
    assert assert_exact(job)["read"] == 60_000


@pytest.mark.parametrize("brokers", [3], indirect=True)
def test_any_one_of_three_brokers_is_killed(brokers: Brokers, tmp_path: Path) -> None:
    job = own_job(brokers, tmp_path)
    for victim in range(3):
        job.topic = f"calls-{victim}"
        job.env.update(variables(KAFKA_TOPIC=job.topic))
        job.run("create-topic")
        process = job.start("produce", "--rate", "20000")
        wait_for_records(job, 10_000)
        with fault(f"broker {victim + 1} of three killed while records come", "nothing stops"):
            brokers.kill(victim)
            _, said = process.communicate(timeout=180)
            assert process.returncode == 0, said
        in_order(job, job.state / "calls.json")
        brokers.start()

    stream = job.start("stream", "--until-end", MAX_OFFSETS_PER_TRIGGER="4000")
    wait_for_line(stream, "batch 0: ")
    with fault("broker 1 of three killed while the stream reads", "nothing stops"):
        brokers.kill(0)
        _, said = stream.communicate(timeout=200)
        assert stream.returncode == 0, said
    assert assert_exact(job)["read"] == 60_000


def test_a_broker_on_an_empty_folder_is_another_cluster(brokers: Brokers, tmp_path: Path) -> None:
    job = own_job(brokers, tmp_path)
    job.send(a_value())
    job.run("stream", "--until-end")
    brokers.stop()
    for path in sorted((brokers.state / "kafka").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    brokers.start()
    job.run("create-topic")

    with fault("the broker's data is gone", "refused, nothing written"):
        refused = job.run("stream", "--until-end", check=False)
    assert refused.returncode == 1
    assert "was made with topic_id" in refused.stderr
