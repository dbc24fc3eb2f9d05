"""The whole way in containers: topic, store, calls, stream and dashboard; killed, stopped, and exact all the same.

The tests follow each other on the same containers.
"""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.error
from collections.abc import Callable

import pytest

from tests.deploy.stack import IMAGE, PROJECT, Stack, engine
from tests.integration.test_main_job import csv_rows
from tests.support import recount
from tests.support.job import books
from tests.support.waiting import eventually

CALLS = 20_000
EXACT = {"read": CALLS, "counted": CALLS - 4, "duplicates": 4, "late": 0, "rejected": 0}


def await_read(stack: Stack, least: int, seconds: float = 600) -> int:
    """Until the dashboard shows that so many calls were read, at the port that a browser on this machine would ask."""

    def is_enough() -> int:
        found = int(stack.asked("/data/books.json")["rows"][0]["read"])
        assert found >= least, found
        return found

    return eventually(is_enough, AssertionError, IndexError, urllib.error.URLError, OSError, seconds=seconds)


def assert_exact(stack: Stack) -> None:
    calls = json.loads(stack.run("cat", "/state/calls.json"))
    shown = stack.inside("stream", "sf-police", "answer", "--format", "csv").stdout
    [in_books] = stack.asked("/data/books.json")["rows"]

    assert csv_rows(shown) == recount.window_answers(recount.counts(calls))
    assert {name: in_books[name] for name in EXACT} == EXACT
    assert in_books["is_balanced"] is True


def test_what_runs_once_makes_the_topic_the_store_and_the_calls(stack: Stack) -> None:
    made = stack.compose(
        "run", "--rm", "-T", "produce", "sh", "-ceu", f"sf-police generate --calls {CALLS}; sf-police produce"
    )  # fmt: skip
    init = stack.compose("logs", "init")

    assert f"sent {CALLS:,}, acknowledged {CALLS:,}" in made.stderr + made.stdout
    assert "created, 3 partitions" in init.stdout + init.stderr
    assert ": made " in init.stdout + init.stderr
    assert stack.inspect("init")["State"]["ExitCode"] == 0


def test_a_killed_stream_is_started_again_and_the_answer_is_exact(stack: Stack) -> None:
    stack.compose("up", "-d", "--no-build")
    before = await_read(stack, 1)
    stream = stack.inspect("stream")
    os.kill(stream["State"]["Pid"], signal.SIGKILL)

    await_read(stack, CALLS)
    after = stack.inspect("stream")

    assert before < CALLS
    assert (after["Id"], after["RestartCount"]) == (stream["Id"], 1)
    assert_exact(stack)


def test_a_stream_whose_java_is_killed_is_started_again(stack: Stack) -> None:
    stack.inside("stream", "sh", "-c", "kill -9 $(pidof java)")

    def is_restarted() -> None:
        assert stack.inspect("stream")["RestartCount"] == 2

    eventually(is_restarted, AssertionError)
    stack.await_healthy("stream")
    assert_exact(stack)


def test_all_that_runs_on_is_healthy(stack: Stack) -> None:
    for service in ("kafka", "postgres", "stream", "dashboard"):
        stack.await_healthy(service)


def test_a_stop_is_graceful_and_within_its_time(stack: Stack, say_aloud: Callable[[str], None]) -> None:
    stream = stack.inspect("stream")
    started = time.monotonic()
    engine("stop", "-t", "60", stream["Id"])
    seconds = time.monotonic() - started
    say_aloud(f"the stream took {seconds:.1f} s to stop")
    stopped = stack.inspect("stream")["State"]
    said = engine("logs", stream["Id"])

    assert seconds < 30
    assert (stopped["ExitCode"], stopped["OOMKilled"]) == (0, False)
    assert books(said.stderr) == EXACT

    stack.compose("up", "-d", "--no-build")
    stack.await_healthy("stream")
    assert_exact(stack)


@pytest.mark.parametrize("service", ["stream", "dashboard"])
def test_a_container_is_read_only_and_has_no_rights(stack: Stack, service: str) -> None:
    host = stack.inspect(service)["HostConfig"]
    tried = stack.inside(service, "touch", "/opt/sf-police/new", check=False)

    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert tried.returncode != 0
    assert "Read-only file system" in tried.stderr + tried.stdout
    assert stack.inside(service, "id", "-un").stdout.strip() == "sf-police"


def test_only_loopback_is_published(stack: Stack) -> None:
    published = [
        binding["HostIp"]
        for service in ("kafka", "postgres", "stream", "dashboard")
        for bindings in (stack.inspect(service)["NetworkSettings"]["Ports"] or {}).values()
        for binding in bindings or []
    ]

    assert published == ["127.0.0.1"]


def test_a_stream_of_a_user_without_a_name_is_exact(stack: Stack) -> None:
    done = engine(
        "run", "--rm", "--network", f"{PROJECT}_default", "--read-only", "--tmpfs", "/tmp:exec",
        "--cap-drop", "ALL", "--user", "12345", "-e", "SF_POLICE_KAFKA_BOOTSTRAP_SERVERS=kafka:9092",
        "-e", "SF_POLICE_SPARK_DRIVER_MEMORY=1g", IMAGE, "sf-police", "stream", "--until-end",
    )  # fmt: skip

    assert books(done.stderr) == EXACT
