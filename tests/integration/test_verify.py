"""`verify` on a run with late calls, duplicates and rejected records: equal; and each kind of damage in its line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sf_police.calls.generate import generate_calls
from sf_police.stream.checkpoint import exclusive
from tests.support.damage import alter_file, move_a_call, swap_state
from tests.support.job import Job, books, jobs

LINES = [
    "file and topic", "checkpoint and store", "books and tables", "batches and counts", "topic and batches",
    "topic and counts", "topic and rejected", "topic and state",
]  # fmt: skip
SMALL = {"MAX_OFFSETS_PER_TRIGGER": "150", "STATE_PARTITIONS": "2"}


def out_of_order(number: int) -> list[dict[str, Any]]:
    """Calls by event time, of which every 40th comes 320 places later; some twice, some not as they should be."""
    calls = sorted((dict(call) for call in generate_calls(number)), key=lambda call: call["call_date_time"])
    places = {place: place + (320 if place % 40 == 0 else 0) for place in range(number)}
    calls = [calls[place] for place in sorted(places, key=lambda place: (places[place], place))]
    for place in range(100, number, 100):
        calls.insert(place, {**calls[place - 1], "disposition": "ARR"})  # in its micro-batch, with other contents
        calls.insert(place, {**calls[place - 30], "disposition": ""})
    return calls


def run_over(job: Job, calls: list[dict[str, Any]]) -> None:
    job.state.mkdir(exist_ok=True)
    (job.state / "calls.json").write_text(json.dumps(calls))
    job.run("produce", "--order", "file")
    told = books(job.run("stream", "--until-end", **SMALL).stderr)
    assert min(told.values()) > 0, told


def compared(job: Job, *arguments: str, code: int, module: str = "") -> dict[str, str]:
    """The lines of `verify`, without what they say in detail: pair -> `equal` and so on."""
    done = job.run("verify", *arguments, check=False, module=module)
    assert done.returncode == code, done.stdout + done.stderr
    return {line[11:31].strip(): line[:9].strip() for line in done.stdout.splitlines()}


@pytest.fixture(scope="module")
def pristine(kafka: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Job]:
    for make in jobs(kafka, tmp_path_factory.mktemp("pristine"), request.node.name):
        job = make(partitions=2)
        run_over(job, out_of_order(1_200))
        yield job


def test_file_topic_state_and_store_are_equal(pristine: Job) -> None:
    assert compared(pristine, "--order", "file", code=0) == dict.fromkeys(LINES, "equal")


def test_each_kind_of_damage_is_found_in_its_line_and_in_no_other(pristine: Job, tmp_path: Path) -> None:
    shutil.copytree(pristine.state, tmp_path / "state")
    job = Job(pristine.kafka, pristine.topic, tmp_path / "state")
    alter_file(job.state / "calls.json")
    move_a_call(job.state / "answers.db")
    swap_state(job.state / "checkpoint")

    found = compared(job, "--order", "file", code=1)

    assert [pair for pair, state in found.items() if state == "DIFFERENT"] == [
        "file and topic", "topic and counts", "topic and state",
    ]  # fmt: skip
    assert list(found) == LINES


def test_a_stream_that_runs_is_not_verified(pristine: Job) -> None:
    with exclusive(str(pristine.state / "checkpoint"), pristine.state):
        done = pristine.run("verify", check=False)

    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("error: another stream is running on the checkpoint")
