"""The main job, once and whole, where nothing is as it usually is: the same answer, nothing written elsewhere or left.

What each part of the room does alone is in `tests/unit/test_make.py`, `tests/unit/test_scripts.py` and the tests of
the environment, so that a red one there names its cause.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.environment import ROOT
from tests.support.hostile_room import Room


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """The room, with a broker that was started while the caller held a lock."""
    room = Room(tmp_path_factory.mktemp("room"))
    room.before = room.files()
    lock = os.open(room.folder.parent / "lock", os.O_CREAT | os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        started = room.script("kafka-start", descriptors=[lock])
        os.close(lock)
        assert started.returncode == 0, started.stderr
        yield room
    finally:
        room.make("kafka-stop")


def test_the_broker_holds_no_lock_of_its_caller(room: Room) -> None:
    again = os.open(room.folder.parent / "lock", os.O_RDWR)
    try:
        fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises if it does
    finally:
        os.close(again)
    assert room.script("kafka-status").returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="taking away the machine's name takes root")
def test_the_machine_has_no_name_that_resolves(room: Room) -> None:
    assert room.prefix, "unshare --uts does not work here"


def test_the_answer_is_that_of_a_quiet_room(room: Room) -> None:
    job = room.make("data", "topic-create", "produce", "run-stream", "UNTIL_END=1")
    assert job.returncode == 0, job.stderr

    answer = room.make("answer", "ARGS=--format csv")

    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == (ROOT / "fixtures" / "window_answers.csv").read_text()


def test_doctor_finds_nothing_wrong(room: Room) -> None:
    doctor = room.make("doctor")

    assert [line for line in doctor.stdout.splitlines() if not line.startswith("ok ")] == []
    assert doctor.returncode == 0, doctor.stderr


def test_afterwards_nothing_runs_and_nothing_is_written_elsewhere(room: Room) -> None:
    assert len(room.processes()) == (1 if Path("/proc/self/environ").exists() else 0)  # the broker

    assert room.make("kafka-stop").returncode == 0
    assert room.processes() == []
    assert sorted(map(str, room.files() - room.before)) == []
    cleaned = room.make("kafka-clean")
    assert cleaned.returncode == 0, cleaned.stderr
    assert not (room.state / "kafka").exists()
