"""What is missing of a file in a topic, for every way a run before may have ended."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sf_police.errors import SfPoliceError
from sf_police.produce.entries import Entry
from sf_police.produce.records import Records
from sf_police.produce.resume import missing_records
from sf_police.topic.admin import Partition, Topic
from sf_police.topic.record import Record, TopicRecord

FILE = Records([Entry("", n, n, b"k%d" % n, b"v%d" % n) for n in range(10)], None, is_sorted=True, most_bytes=1000)
RECORDS = list(FILE)


def topic(*held: int, first: int = 0) -> Topic:
    partitions = (Partition(number, 1, 1, first, count) for number, count in enumerate(held))
    return Topic("calls", "topic-id", "cluster-id", tuple(partitions))


def reader(partitions: int, records: list[Record] = RECORDS) -> Any:
    def read(offsets: dict[int, int]) -> dict[int, TopicRecord]:
        kept = {number: (offset, records[number + offset * partitions]) for number, offset in offsets.items()}
        return {n: TopicRecord(n, offset, 0, record.key, record.value) for n, (offset, record) in kept.items()}

    return read


def missing(held: Topic, records: list[Record] = RECORDS) -> list[int]:
    rest = missing_records(FILE, held, reader(len(held.partitions), records))
    positions = [record.position for record in rest.records]
    assert rest.count == len(positions)
    return positions


@pytest.mark.parametrize(
    ("held", "positions"),
    [
        ((0, 0, 0), list(range(10))),
        ((4, 3, 3), []),
        ((2, 1, 0), [2, 4, 5, 6, 7, 8, 9]),
        ((4, 0, 0), [1, 2, 4, 5, 7, 8]),
    ],
)
def test_missing_records_are_those_after_each_partitions_last(held: tuple[int, ...], positions: list[int]) -> None:
    assert missing(topic(*held)) == positions


def test_a_topic_with_another_files_records_is_refused() -> None:
    other = [record._replace(value=b"other") for record in RECORDS]

    with pytest.raises(SfPoliceError, match="holds records that are not from this file"):
        missing(topic(1, 0, 0), other)


def test_a_topic_that_ends_with_a_mark_of_a_transaction_is_refused() -> None:
    with pytest.raises(SfPoliceError, match=r"not from this file \(partition 1, offset 1\)"):
        missing_records(FILE, topic(0, 2, 0), lambda _: {})


def test_a_topic_with_more_than_the_file_is_refused() -> None:
    longer = [*RECORDS, Record(10, "", b"k10", b"v10"), Record(11, "", b"k11", b"v11")]

    with pytest.raises(SfPoliceError, match="holds records that are not from this file"):
        missing(topic(4, 4, 3), longer)


def test_a_topic_without_its_first_records_is_refused() -> None:
    with pytest.raises(SfPoliceError, match="first records of calls are gone"):
        missing(topic(3, 3, 3, first=1))


@given(st.integers(1, 4), st.data())
def test_what_is_held_and_what_is_missing_are_the_file(partitions: int, data: st.DataObject) -> None:
    full = [len(range(number, len(RECORDS), partitions)) for number in range(partitions)]
    held = [data.draw(st.integers(0, most)) for most in full]
    there = {n + i * partitions for n, count in enumerate(held) for i in range(count)}

    assert sorted(there | set(missing(topic(*held)))) == list(range(len(RECORDS)))
    assert not there & set(missing(topic(*held)))


@pytest.mark.parametrize(
    ("held", "pace", "seconds"),
    [
        ((0, 0, 0), {"rate": 3.0, "speed": None}, 3.0),
        ((4, 1, 1), {"rate": 3.0, "speed": None}, 1.0),
        ((4, 3, 3), {"rate": 3.0, "speed": None}, None),
        ((0, 0, 0), {"rate": None, "speed": None}, None),
    ],
)
def test_what_is_missing_takes_as_long_as_the_pace_says(
    held: tuple[int, ...], pace: dict[str, float | None], seconds: float | None
) -> None:
    assert missing_records(FILE, topic(*held), reader(3)).seconds(**pace) == seconds
