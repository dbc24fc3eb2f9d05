"""`drill`: a real stream, killed and started again, with nothing of the main job touched, and nothing left behind."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from tests.support import oracle
from tests.support.job import Job, books
from tests.support.waiting import wait_for_line
from tests.unit.view.test_tables import cells


@pytest.fixture
def job(make_job: Callable[..., Job]) -> Iterator[Job]:
    job = make_job(partitions=0)
    job.run("generate", "--calls", "20000")
    yield job
    admin = KafkaAdminClient(bootstrap_servers=job.kafka)
    admin.delete_topics([topic for topic in admin.list_topics() if topic.startswith(f"{job.topic}.drill.")])
    admin.close()


def processes_about(folder: Path) -> list[str]:
    """The processes whose command line names the folder: the drill, its stream, and that one's JVM."""
    shown = subprocess.run(["ps", "-axww", "-o", "stat=,args="], capture_output=True, text=True, check=True)
    return [line for line in shown.stdout.splitlines() if str(folder) in line and not line.startswith("Z")]


def folder_of(job: Job) -> Path:
    [folder] = (job.state / "drill").iterdir()
    return folder


def test_a_stream_that_is_killed_twice_ends_exactly(job: Job) -> None:
    done = job.run("drill", "--kills", "2", "--seed", "1")

    assert len(re.findall(r"^kill \d of 2, with -9, at \d+ %: batch \d+ ", done.stderr, re.MULTILINE)) == 2
    assert [row[0] for row in cells(done.stdout) if row[-1].endswith(" s")] == ["1", "2"]
    assert "killed 2 times, and nothing is lost or counted twice" in done.stdout
    assert "A half hour has " in done.stdout
    folder = folder_of(job)
    assert f"`make dashboard STATE_DIR='{folder}'`" in done.stderr
    assert sorted(path.name for path in job.state.iterdir()) == ["calls.json", "drill"]
    assert processes_about(folder) == []
    assert sorted(path.name for path in folder.iterdir()) == ["answers.db", "checkpoint", "spark.log"]
    exact = oracle.assert_exact(folder / "answers.db", job.kafka, f"{job.topic}.drill.{folder.name}")
    assert dict(exact) == books(done.stderr)
    assert exact["read"] == 20_000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_everything_and_the_next_one_goes_on(job: Job, number: signal.Signals) -> None:
    process = job.start("drill", "--kills", "1", "--seed", "1")
    wait_for_line(process, "kill 1 of 1")
    process.send_signal(number)
    _, said = process.communicate(timeout=90)

    assert process.returncode == 128 + number, said
    assert "interrupted; nothing of the drill is running any more. To go on with it, run `make drill` again" in said
    folder = folder_of(job)
    assert processes_about(folder) == []

    done = job.run("drill", "--kills", "1", "--seed", "2")

    assert "nothing to send: the topic already holds all 20,000 calls" in done.stderr
    assert "nothing is lost or counted twice" in done.stdout
    assert folder_of(job) == folder


def test_a_second_drill_in_the_same_folder_is_refused(job: Job) -> None:
    process = job.start("drill", "--kills", "1")
    wait_for_line(process, "to watch it in a browser")
    refused = job.run("drill", check=False)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=90)

    assert process.returncode == 128 + signal.SIGINT
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].startswith(
        f"error: another drill is running in {folder_of(job)}: wait for it"
    )
