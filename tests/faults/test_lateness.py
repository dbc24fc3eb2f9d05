"""Whatever the order of the records, what is late is counted as late, exactly."""

from __future__ import annotations

import csv
import io
import json
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
    assert_late_records_are_found(job, books["late"])


def assert_late_records_are_found(job: Job, late: int) -> None:
    """`late` finds in the topic as many records as were counted late, each at or before its batch's watermark."""
    found = json.loads(job.run("late", "--format", "json").stdout)
    records = [(each, record) for each in found["shown"] for record in each["records"]]
    assert found["late"] == late == len(records)
    assert all(record["event_time"] <= each["watermark"] for each, record in records)
    assert len({(record["partition"], record["offset"]) for _, record in records}) == late
    rows = list(csv.DictReader(io.StringIO(job.run("late", "--format", "csv", "--limit", "7").stdout)))
    assert [int(row["offset"]) for row in rows] == [record["offset"] for _, record in records[-7:]]


def test_one_partition_is_sixty_days_behind(make_job: Callable[..., Job]) -> None:
    job = make_job()
    values = in_event_order()
    third = COUNT // 3
    for partition in range(3):
        job.send(*values[partition * third : (partition + 1) * third], partition=partition)

    with fault("a partition 60 days behind the others", "its calls are counted as late, exactly"):
        job.run("stream", "--until-end", MAX_OFFSETS_PER_TRIGGER="90")
    assert assert_exact(job)["late"] > 0
