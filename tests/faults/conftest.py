"""The harness: brokers that can be killed, jobs that die, and a line for each fault in a table at the end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from sf_police.produce.records import event_records
from tests.faults import oracle
from tests.integration.conftest import (
    ROOT,
    Job,
    clean_environment,
    eventually,
    free_ports,
    jobs,
    kafka,
    kafka_test_port,
    run_script,
    say_aloud,
)

__all__ = ["kafka", "kafka_test_port", "say_aloud"]

TABLE: list[tuple[str, str, float]] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if TABLE:
        terminalreporter.section("what it survives")
        terminalreporter.line("| fault | outcome | seconds to recover |")
        terminalreporter.line("| --- | --- | --- |")
        for fault, outcome, seconds in TABLE:
            terminalreporter.line(f"| {fault} | {outcome} | {seconds:.1f} |")


@contextmanager
def fault(name: str, outcome: str) -> Iterator[None]:
    """A line of the table, if what is inside holds; the seconds are those inside."""
    started = time.monotonic()
    yield
    TABLE.append((name, outcome, time.monotonic() - started))


@pytest.fixture
def make_job(kafka: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Job]]:
    """Makes a job whose topic is thrown away after the test."""
    yield from jobs(kafka, tmp_path, request)


class Brokers:
    """Local brokers of a test's own, by the scripts."""

    def __init__(self, state: Path, count: int) -> None:
        self.env = clean_environment(KAFKA_PORT=str(free_ports()), STATE_DIR=str(state), KAFKA_BROKERS=str(count))
        self.state, self.count = state, count
        self.servers = ",".join(f"localhost:{int(self.env['KAFKA_PORT']) + 2 * n}" for n in range(count))

    def start(self) -> None:
        started = run_script("kafka-start.sh", self.env)
        assert started.returncode == 0, started.stderr

    def stop(self) -> None:
        run_script("kafka-stop.sh", self.env)

    def pid(self, broker: int = 0) -> int:
        return int((self.state / "kafka" / f"broker-{broker}" / "kafka.pid").read_text())

    def signal(self, number: int, broker: int = 0) -> None:
        os.kill(self.pid(broker), number)

    def wait_for_death(self) -> None:
        def is_dead() -> None:
            with suppress(ProcessLookupError):
                os.kill(self.pid(), 0)
                raise TimeoutError("the broker lives on")

        eventually(is_dead, TimeoutError)

    def kill(self, broker: int = 0) -> None:
        """kill -9; returns when the port is free, which a process that is ending keeps for a moment."""
        self.signal(signal.SIGKILL, broker)

        def ends_to_listen() -> None:
            with suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", int(self.env["KAFKA_PORT"]) + 2 * broker)).close()
                raise TimeoutError("the port is taken")

        eventually(ends_to_listen, TimeoutError, ConnectionResetError)


@pytest.fixture(params=[1])
def brokers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Brokers]:
    brokers = Brokers(tmp_path / "brokers", request.param)
    try:
        brokers.start()
        yield brokers
    finally:
        brokers.stop()


def see_through(job: Job, process: subprocess.Popen[str], *command: str, timeout: float) -> None:
    """Wait for the command's end; where the fault has ended it, it is run again."""
    process.communicate(timeout=timeout)
    if process.returncode:
        job.run(*command)


def run_dying(job: Job, point: str, batch: int, **extra: str) -> None:
    """Run the stream to the end, which it does not reach: it is killed, all of it, at the point."""
    command = [sys.executable, "-m", "tests.faults.dying", point, str(batch), "stream", "--until-end"]
    done = subprocess.run(
        command, env={**job.env, **extra}, capture_output=True, text=True, timeout=240, cwd=ROOT, check=False,
        start_new_session=True,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr


def assert_exact(job: Job) -> dict[str, int]:
    """Invariants I1 to I4."""
    return dict(oracle.assert_exact(job.state / "answers.db", job.kafka, job.topic))


def in_order(job: Job, path: Path) -> None:
    """The topic holds the file exactly once: partition p the positions p, p+N, … in order."""
    wanted = [(record.key, record.value) for record in event_records(json.loads(path.read_text()))]
    records = oracle.read_topic(job.kafka, job.topic)
    for partition, there in records.items():
        assert [(record.key, record.value) for record in there] == wanted[partition :: len(records)]


def assert_again_changes_nothing(job: Job) -> None:
    """Invariant I5."""
    before = [line for line in dump(job) if "batches" not in line]
    job.run("stream", "--until-end")
    assert [line for line in dump(job) if "batches" not in line] == before


def dump(job: Job) -> list[str]:
    import sqlite3

    with sqlite3.connect(job.state / "answers.db") as connection:
        return list(connection.iterdump())
