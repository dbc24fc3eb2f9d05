"""Damage that a stream goes on from: each is found by `verify`, in the lines that are about it and in no other."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kafka import KafkaProducer

from tests.integration.test_verify import compared, out_of_order, run_over
from tests.support.damage import alter_count, move_a_call, swap_state
from tests.support.fault_table import fault
from tests.support.job import Job, jobs
from tests.support.oracle import read_topic


@pytest.fixture(scope="module")
def pristine(kafka: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Job]:
    for make in jobs(kafka, tmp_path_factory.mktemp("pristine"), request.node.name):
        job = make(partitions=2)
        run_over(job, out_of_order(1_200))
        yield job


def send_all(job: Job, partition: int, records: list[tuple[bytes | None, bytes | None]]) -> None:
    with KafkaProducer(bootstrap_servers=job.kafka) as producer:
        for key, value in records:
            producer.send(job.topic, value, key=key, partition=partition)
        producer.flush()


def different(job: Job) -> list[str]:
    return [pair for pair, state in compared(job, "--order", "file", code=1).items() if state == "DIFFERENT"]


STORE = ("books and tables", "batches and counts", "topic and counts")


@pytest.mark.parametrize(
    ("name", "damage", "lines"),
    [
        ("a count altered", lambda state: alter_count(state / "answers.db"), list(STORE)),
        (
            "a call counted in another row, and the digests made to agree",
            lambda state: move_a_call(state / "answers.db"),
            ["topic and counts"],
        ),
        (
            "a state file replaced by another, intact one",
            lambda state: swap_state(state / "checkpoint"),
            ["topic and state"],
        ),
    ],
)
def test_damage_is_found_in_its_lines(
    pristine: Job, tmp_path: Path, name: str, damage: Callable[[Path], None], lines: list[str]
) -> None:
    shutil.copytree(pristine.state, tmp_path / "state")
    damage(tmp_path / "state")

    with fault(name, "found by `verify`, in its lines"):
        assert different(Job(pristine.kafka, pristine.topic, tmp_path / "state")) == lines


def test_one_byte_of_one_record_altered_on_its_way_to_the_topic(pristine: Job, make_job: Callable[..., Job]) -> None:
    job = make_job(partitions=2)
    job.state.mkdir(exist_ok=True)
    shutil.copyfile(pristine.state / "calls.json", job.state / "calls.json")
    for number, records in read_topic(pristine.kafka, pristine.topic).items():
        values = [record.value for record in records]
        if number == 1:
            values[300] = values[300].replace(b'"state":"', b'"state":"C', 1)
            assert values[300] != records[300].value
        send_all(job, number, [(record.key, value) for record, value in zip(records, values, strict=True)])
    job.run("stream", "--until-end")

    with fault("one byte of one record altered on its way to the topic", "found by `verify`, in its line"):
        assert different(job) == ["file and topic"]
