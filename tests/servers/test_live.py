"""`live`: a producer and a stream that begin and end together, with nothing of the main job touched."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from tests.support.builders import a_call
from tests.support.job import Job, books


@pytest.fixture
def job(make_job: Callable[..., Job]) -> Iterator[Job]:
    job = make_job(partitions=0)
    yield job
    admin = KafkaAdminClient(bootstrap_servers=job.kafka)
    admin.delete_topics([topic for topic in admin.list_topics() if topic.startswith(f"{job.topic}.live.")])
    admin.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "calls.json"
    calls = [
        a_call(crime_id=str(n), call_date_time=f"2018-10-12T{14 + n // 60}:{n % 60:02}:00.000") for n in range(240)
    ]
    path.write_text(json.dumps(calls[::-1]))
    return path


def children(process: subprocess.Popen[str]) -> list[str]:
    """The processes of its group that are left."""
    done = subprocess.run(["ps", "-eo", "pgid=,args="], capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if line.split()[0] == str(process.pid)]


def test_all_is_sent_and_counted_and_a_second_run_has_nothing_to_send(job: Job, file: Path) -> None:
    done = job.run("live", str(file), "--rate", "100")

    assert books(done.stderr) == {"read": 240, "counted": 240, "duplicates": 0, "late": 0, "rejected": 0}
    assert re.search(r"sending 240 calls to \S+\.live\.\d{8}-\d{6} at 100 a second; that takes 2 s", done.stderr)
    assert done.stdout.startswith("A half hour has 1 crime type ")
    assert [path.name for path in job.state.iterdir()] == ["live"]

    again = job.run("live", str(file))

    assert "nothing to send: the topic already holds all 240 calls" in again.stderr
    assert books(again.stderr) == books(done.stderr)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_both_and_the_next_run_resumes(job: Job, file: Path, number: signal.Signals) -> None:
    process = job.start("live", str(file), "--rate", "2")
    assert process.stderr is not None
    next(line for line in process.stderr if line.startswith("batch "))
    process.send_signal(number)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 0, err
    assert out.startswith("A half hour has ")
    assert 0 < books(err)["read"] < 240
    assert children(process) == []

    done = job.run("live", str(file), "--rate", "1000")

    assert re.search(r"the topic already holds \d+ of 240 calls; sending the other \d+", done.stderr)
    assert books(done.stderr)["counted"] == 240


def test_the_whole_group_is_interrupted_as_by_a_terminal(job: Job, file: Path) -> None:
    process = job.start("live", str(file), "--rate", "2")
    assert process.stderr is not None
    next(line for line in process.stderr if line.startswith("batch "))
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)

    assert process.returncode == 0, err
    assert books(err)["read"] > 0
    assert children(process) == []
