"""Damage in checkpoint and store: refused, or harmless to counts and books; nothing written when refused."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sf_police.calls.generate import generate_calls
from tests.support.fault_table import fault
from tests.support.invariants import assert_exact, dump
from tests.support.job import Job, jobs
from tests.support.question import event_records

SMALL = {"MAX_OFFSETS_PER_TRIGGER": "150", "STATE_PARTITIONS": "2"}


@pytest.fixture(scope="module")
def pristine(kafka: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Job]:
    """A stream that has run over half of its topic; the other half shows what damage does."""
    for make in jobs(kafka, tmp_path_factory.mktemp("pristine"), request.node.name):
        job = make(partitions=1)
        values = [record.value for record in event_records(generate_calls(calls=600))]
        job.send(*values[:300])
        job.run("stream", "--until-end", **SMALL)
        job.send(*values[300:])
        shutil.copytree(job.state, kept(job))
        yield job


def kept(job: Job) -> Path:
    return job.state.with_name("kept")


@pytest.fixture
def job(pristine: Job) -> Job:
    # In its own place again: a store is told where its checkpoint has been moved to, and here nothing may be written.
    shutil.rmtree(pristine.state)
    shutil.copytree(kept(pristine), pristine.state)
    return pristine


def flip(path: Path, at: float) -> None:
    data = bytearray(path.read_bytes())
    data[int(len(data) * at)] ^= 0x04
    path.write_bytes(data)


def files(job: Job, pattern: str) -> list[Path]:
    found = sorted(path for path in job.state.glob(pattern) if path.is_file())
    assert found, pattern
    return found


TARGETS = [
    "checkpoint/metadata", "checkpoint/offsets/1", "checkpoint/offsets/0", "checkpoint/commits/1",
    "checkpoint/state/0/0/2.delta", "checkpoint/state/0/1/2.delta", "checkpoint/state/0/1/1.delta", "answers.db",
]  # fmt: skip


@pytest.mark.parametrize("at", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("target", TARGETS)
def test_a_flipped_bit_is_refused_or_harmless(job: Job, target: str, at: float) -> None:
    flip(files(job, target)[0], at)
    before = dump(job) if target != "answers.db" else None

    done = job.run("stream", "--until-end", check=False, **SMALL)

    if done.returncode == 0:
        assert_exact(job)
    else:
        assert done.stderr.splitlines()[-1].startswith("error: ")
        assert before is None or dump(job) == before
    with fault(f"a bit flipped at {at:.0%} of {target}", "refused" if done.returncode else "harmless: exact"):
        pass


@pytest.mark.parametrize(
    ("what", "alter", "said"),
    [
        ("calls = calls + 1 WHERE crime_type = 'Passing Call'", "counts", "its books do not balance"),
        ("crime_type = 'Passing Cell' WHERE crime_type = 'Passing Call'", "a letter of a crime type", "digests differ"),
    ],
)
def test_what_is_altered_in_the_store_is_refused(job: Job, what: str, alter: str, said: str) -> None:
    with closing(sqlite3.connect(job.state / "answers.db")) as connection, connection:
        connection.execute(f"UPDATE counts SET {what}")

    with fault(f"{alter} altered in the store", "refused, nothing written"):
        done = job.run("stream", "--until-end", check=False, **SMALL)
    assert done.returncode == 1
    assert "the store is damaged (" in done.stderr
    assert said in done.stderr
