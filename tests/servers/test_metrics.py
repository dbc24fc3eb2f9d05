"""Metrics beside a real stream on a real broker: they are the books, and never go back or hang."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
from kafka.admin import KafkaAdminClient

from tests.support.brokers import Brokers, free_ports
from tests.support.builders import a_call, a_value
from tests.support.invariants import assert_exact
from tests.support.job import Job, books
from tests.support.metrics import Samples, scraped
from tests.support.records import some_records
from tests.support.waiting import eventually, wait_for_line

OUTCOMES = ("counted", "duplicates", "late", "rejected")
NOT_YET = (AssertionError, URLError, ConnectionError)


def by_outcome(found: Samples) -> dict[str, int]:
    return {
        dict(labels)["outcome"]: int(value)
        for (name, labels), value in found.items()
        if name == "sf_police_records_total"
    }


def lag(found: Samples) -> dict[str, float]:
    return {
        dict(labels)["partition"]: value
        for (name, labels), value in found.items()
        if name == "sf_police_consumer_lag_records"
    }


def value(found: Samples, name: str) -> float:
    return found[(f"sf_police_{name}", ())]


def counters(found: Samples) -> Samples:
    return {key: number for key, number in found.items() if key[0].endswith(("_total", "_bucket", "_count", "_sum"))}


def started(job: Job, *arguments: str, port: int, **extra: str) -> tuple[subprocess.Popen[str], str]:
    """A stream, and the address that it says before anything else."""
    process = job.start(*arguments, METRICS_PORT=str(port), **extra)
    line = wait_for_line(process, "metrics: ")
    assert line == f"metrics: http://127.0.0.1:{port}/metrics\n"
    return process, line.removeprefix("metrics: ").strip()


def ended(process: subprocess.Popen[str]) -> str:
    process.terminate()
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    return said


def test_counters_are_the_books_and_never_go_back_through_kill_9(make_job: Callable[..., Job]) -> None:
    job, port = make_job(), free_ports()
    some_records(job)
    seen: list[Samples] = []

    def scrape_until(is_enough: Callable[[Samples], bool]) -> None:
        def scrape() -> None:
            seen.append(scraped(address))
            assert is_enough(seen[-1])

        eventually(scrape, *NOT_YET, seconds=120)

    for batches in (2, 4):
        process, address = started(job, "stream", port=port, MAX_OFFSETS_PER_TRIGGER="60")
        scrape_until(lambda found, least=batches: value(found, "batches_total") >= least)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    process, address = started(job, "stream", port=port, MAX_OFFSETS_PER_TRIGGER="60")
    scrape_until(lambda found: bool(lag(found)) and not any(lag(found).values()))
    said = ended(process)

    for before, after in pairwise(seen):
        assert all(after[key] >= number for key, number in counters(before).items())
    exact = assert_exact(job)
    assert by_outcome(seen[-1]) == {name: exact[name] for name in OUTCOMES} == {
        name: books(said)[name] for name in OUTCOMES
    }  # fmt: skip
    with closing(sqlite3.connect(job.state / "answers.db")) as connection:
        [stored] = connection.execute("SELECT COUNT(*), ROUND(SUM(seconds), 3) FROM batches")
    assert (value(seen[-1], "batches_total"), value(seen[-1], "batch_duration_seconds_sum")) == stored
    assert {value(found, "books_balanced") for found in seen} == {1}
    assert {value(found, "stream_running") for found in seen} == {1}
    assert {dict(labels)["topic"] for (name, labels) in seen[-1] if name == "sf_police_store_info"} == {job.topic}
    with pytest.raises(URLError):
        scraped(address)


def probed(address: str, path: str) -> tuple[int, str]:
    try:
        with urlopen(address.replace("/metrics", path), timeout=30) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as refused:
        return refused.code, refused.read().decode()


def test_probes_and_messages_in_json_from_a_streams_start_until_its_jvm_is_gone(make_job: Callable[..., Job]) -> None:
    job = make_job(partitions=1)
    process = job.start("stream", METRICS_PORT=str(free_ports()), LOG_FORMAT="json")
    address = json.loads(wait_for_line(process, '"metrics: '))["message"].removeprefix("metrics: ")
    assert probed(address, "/healthz") == (200, "the stream is starting\n")
    assert probed(address, "/readyz") == (503, "error: the stream is starting\n")

    def says(path: str, expected: tuple[int, str]) -> Callable[[], None]:
        def check() -> None:
            assert probed(address, path) == expected

        return check

    eventually(says("/readyz", (200, "the stream is running, and waits for records\n")), *NOT_YET, seconds=120)
    job.send(a_value())
    eventually(says("/readyz", (200, "the stream is running, and has stored micro-batch 0\n")), *NOT_YET, seconds=120)
    assert probed(address, "/healthz") == (200, "the stream is running\n")

    [java] = [line for line in processes_with_numbers(process.pid) if "java" in line[1]]
    os.kill(java[0], signal.SIGKILL)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    messages = [json.loads(line) for line in said.splitlines()]
    [batch] = [each for each in messages if "batch_id" in each]
    assert (batch["level"], batch["batch_id"], batch["rows"], batch["counted"], batch["lag"]) == ("info", 0, 1, 1, 0)
    assert messages[-1]["level"] == "error"
    assert messages[-1]["message"] == "Spark's JVM ended while the stream was running"
    assert (messages[-1]["remedy"], messages[-1]["exit_code"]) == ("see spark.log, then run again", 1)
    with pytest.raises(URLError):
        probed(address, "/healthz")


def processes_with_numbers(group: int) -> list[tuple[int, str]]:
    """The processes of a group, each with its command line."""
    shown = subprocess.run(["ps", "-axww", "-o", "pgid=,pid=,args="], capture_output=True, text=True, check=True)
    lines = [line.split(maxsplit=2) for line in shown.stdout.splitlines()]
    return [(int(line[1]), line[2]) for line in lines if line[0] == str(group) and len(line) == 3]


def test_before_there_is_a_store_a_scrape_says_so(make_job: Callable[..., Job]) -> None:
    process, address = started(make_job(), "stream", port=free_ports())

    with pytest.raises(HTTPError) as refused:
        scraped(address)
    assert refused.value.code == 503
    assert "its stream is starting: ask again soon" in refused.value.read().decode()
    eventually(lambda: scraped(address), *NOT_YET)
    ended(process)


def test_brokers_that_hang_cost_the_lag_and_two_seconds(tmp_path: Path) -> None:
    brokers = Brokers(tmp_path / "brokers", 1)
    try:
        brokers.start()
        job = Job(brokers.servers, "calls", tmp_path / "job")
        job.run("create-topic", PARTITIONS="1")
        job.send(a_value())
        process, address = started(job, "stream", port=free_ports())

        def is_counted() -> None:
            found = scraped(address)
            assert (lag(found), value(found, "broker_reachable")) == ({"0": 0}, 1)
            assert by_outcome(found)["counted"] == 1

        eventually(is_counted, *NOT_YET)
        brokers.signal(signal.SIGSTOP)
        began_s = time.monotonic()
        found = scraped(address)
        took_s = time.monotonic() - began_s
        brokers.signal(signal.SIGCONT)

        assert took_s < 3
        assert (lag(found), value(found, "broker_reachable")) == ({}, 0)
        assert (by_outcome(found)["counted"], value(found, "stream_running")) == (1, 1)
        eventually(is_counted, *NOT_YET)

        brokers.kill()
        found = scraped(address)
        assert (lag(found), value(found, "broker_reachable"), value(found, "books_balanced")) == ({}, 0, 1)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    finally:
        brokers.stop()


@pytest.fixture
def live_job(make_job: Callable[..., Job]) -> Iterator[Job]:
    job = make_job(partitions=0)
    yield job
    admin = KafkaAdminClient(bootstrap_servers=job.kafka)
    admin.delete_topics([topic for topic in admin.list_topics() if topic.startswith(f"{job.topic}.live.")])
    admin.close()


def test_live_serves_the_metrics_of_its_own_stream(live_job: Job, tmp_path: Path) -> None:
    path = tmp_path / "calls.json"
    path.write_text(json.dumps([a_call(crime_id=str(number)) for number in range(400)]))
    process, address = started(live_job, "live", str(path), "--rate", "20", port=free_ports())

    def some_are_counted() -> None:
        found = scraped(address)
        assert 0 < by_outcome(found)["counted"] < 400
        [(_, labels)] = [key for key in found if key[0] == "sf_police_store_info"]
        assert dict(labels)["topic"].startswith(f"{live_job.topic}.live.")

    eventually(some_are_counted, *NOT_YET)
    ended(process)
