"""Whatever the order of the records, what is late is counted as late, exactly."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from sf_police.calls.generate import generate_calls
from tests.support.builders import a_value
from tests.support.fault_table import fault
from tests.support.invariants import assert_exact
from tests.support.job import Job
from tests.support.question import event_records

COUNT = 900


def in_event_order() -> list[bytes]:
    return [record.value for record in event_records(generate_calls(calls=COUNT))]


def shuffled() -> list[bytes]:
    values = in_event_order()
    random.Random(7).shuffle(values)
    return values


def same_minute() -> list[bytes]:
    return [a_value(crime_id=str(n % 700), disposition=("HAN", "GOA")[n % 2]) for n in range(COUNT)]


@pytest.mark.quick
@pytest.mark.parametrize(
    ("name", "values", "is_late"),
    [
        ("newest first", lambda: in_event_order()[::-1], True),
        ("shuffled", shuffled, True),
        ("all the same minute", same_minute, False),
    ],
)
def test_any_order(make_job: Callable[..., Job], name: str, values: Callable[[], list[bytes]], is_late: bool) -> None:
    job = make_job()
    for partition in range(3):
        job.send(*values()[partition::3], partition=partition)

    with fault(f"records {name}", "late ones are counted as late, exactly"):
        job.run("stream", "--until-end", MAX_OFFSETS_PER_TRIGGER="90")
    books = assert_exact(job)
    assert (books["late"] > 0) is is_late


@pytest.mark.quick
def test_one_partition_is_sixty_days_behind(make_job: Callable[..., Job]) -> None:
    job = make_job()
    values = in_event_order()
    third = COUNT // 3
    for partition in range(3):
        job.send(*values[partition * third : (partition + 1) * third], partition=partition)

    with fault("a partition 60 days behind the others", "its calls are counted as late, exactly"):
        job.run("stream", "--until-end", MAX_OFFSETS_PER_TRIGGER="90")
    assert assert_exact(job)["late"] > 0
