"""Reading single records and following the topic; kafka-python's consumer is a fake, its records are real."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from kafka import TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaTimeoutError

from sf_police.errors import SfPoliceError
from sf_police.topic import reading
from sf_police.topic.clients import KafkaAccess
from sf_police.topic.reading import follow_records, read_back, read_last_records, read_records, topic_record
from sf_police.topic.record import TopicRecord

ACCESS = KafkaAccess("one:9092", {})


def consumer_record(partition: int, offset: int, key: bytes | None = b"k", value: bytes | None = b"v") -> Any:
    given = {"topic": "calls", "partition": partition, "offset": offset, "key": key, "value": value}
    return ConsumerRecord(**{**dict.fromkeys(ConsumerRecord._fields), "timestamp": 1_000 + offset, **given})


class FakeConsumer:
    """By partition: 0 to 2 hold offsets 0, 1 and 3 of an end at 4; 3 ends with two marks; 4 holds nothing but marks."""

    made: ClassVar[list[FakeConsumer]] = []
    records: ClassVar[dict[int, tuple[int, ...]]] = {**dict.fromkeys(range(3), (0, 1, 3)), 3: (0, 1), 4: ()}

    def __init__(self, **options: Any) -> None:
        self.options, self.offsets, self.closed = options, dict[TopicPartition, int](), 0
        self.made.append(self)

    def assign(self, partitions: list[TopicPartition]) -> None:
        self.offsets = dict.fromkeys(partitions, 0)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        assert partition in self.offsets
        self.offsets[partition] = offset

    def position(self, partition: TopicPartition) -> int:
        return self.offsets[partition]

    def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 4)

    def poll(self, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        """All that there is, and then the position is at the end, as marks are passed over in silence."""
        found = {
            partition: [consumer_record(partition.partition, offset) for offset in self.records[partition.partition]
                        if offset >= start]
            for partition, start in self.offsets.items()
        }  # fmt: skip
        self.offsets = {partition: max(start + 1, 4) for partition, start in self.offsets.items()}
        return {partition: records for partition, records in found.items() if records}

    def close(self) -> None:
        self.closed += 1


@pytest.fixture(autouse=True)
def consumers(monkeypatch: pytest.MonkeyPatch) -> list[FakeConsumer]:
    monkeypatch.setattr(reading, "KafkaConsumer", FakeConsumer)
    monkeypatch.setattr(FakeConsumer, "made", [])
    return FakeConsumer.made


@pytest.mark.parametrize(("key", "value"), [(b"k", b"v"), (None, b""), (b"", None)])
def test_a_topic_record_has_the_consumers_fields(key: bytes | None, value: bytes | None) -> None:
    assert topic_record(consumer_record(2, 7, key, value)) == TopicRecord(
        partition=2, offset=7, timestamp_ms=1_007, key=key, value=value
    )


def test_a_record_is_read_at_its_offset_or_the_next_after_it(consumers: list[FakeConsumer]) -> None:
    assert read_records(ACCESS, "calls", {0: 1, 2: 2}) == {
        0: TopicRecord(0, 1, 1_001, b"k", b"v"),
        2: TopicRecord(2, 3, 1_003, b"k", b"v"),
    }
    [consumer] = consumers
    assert consumer.closed == 1
    assert (consumer.options["enable_auto_commit"], consumer.options["isolation_level"]) == (False, "read_committed")


def test_the_end_of_a_partition_is_no_record_and_nothing_is_waited_for(consumers: list[FakeConsumer]) -> None:
    assert read_records(ACCESS, "calls", {0: 4, 3: 2, 4: 0}) == {}

    assert consumers[0].closed == 1


def test_the_last_record_is_looked_for_before_marks() -> None:
    offsets = dict.fromkeys((0, 3, 4), (0, 4))

    assert read_last_records(ACCESS, "calls", offsets) == {
        0: TopicRecord(0, 3, 1_003, b"k", b"v"),
        3: TopicRecord(3, 1, 1_001, b"k", b"v"),
        4: None,
    }


def test_a_last_record_is_not_looked_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeConsumer, "records", {0: (0,)})
    monkeypatch.setattr(FakeConsumer, "end_offsets", lambda _, partitions: dict.fromkeys(partitions, 10**9))
    monkeypatch.setattr(FakeConsumer, "position", lambda *_: 10**9)

    assert read_last_records(ACCESS, "calls", {0: (0, 10**9)}) == {0: None}


def test_a_record_that_does_not_arrive_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BROKER_TIMEOUT_MS", -1)
    monkeypatch.setattr(FakeConsumer, "poll", lambda _, timeout_ms: {})

    with pytest.raises(SfPoliceError, match="partition 1 of calls returned no record at offset 2"):
        read_records(ACCESS, "calls", {1: 2})


def test_following_starts_at_the_offsets_and_ends_when_it_is_stopped(
    monkeypatch: pytest.MonkeyPatch, consumers: list[FakeConsumer]
) -> None:
    def one_each(self: FakeConsumer, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        found = {partition: [consumer_record(partition.partition, start)] for partition, start in self.offsets.items()}
        self.offsets = {partition: start + 1 for partition, start in self.offsets.items()}
        return found

    monkeypatch.setattr(FakeConsumer, "poll", one_each)
    stops = iter([False, False, True])

    records = list(follow_records(ACCESS, "calls", {0: 5, 1: 0}, is_stopped=lambda: next(stops)))

    assert [(record.partition, record.offset) for record in records] == [(0, 5), (1, 0), (0, 6), (1, 1)]
    assert {type(record) for record in records} == {TopicRecord}
    assert consumers[0].closed == 1


def test_an_error_of_the_consumer_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KafkaTimeoutError("nothing in 10 s")

    monkeypatch.setattr(FakeConsumer, "poll", fail)
    with pytest.raises(SfPoliceError, match="the broker at one:9092: KafkaTimeoutError: nothing in 10 s"):
        list(follow_records(ACCESS, "calls", {0: 0}, is_stopped=lambda: False))


@pytest.mark.parametrize(
    ("enough", "expected"),
    [(0, [3, 0, 1]), (3, [3]), (2, [3, 0, 1])],
)
def test_records_are_read_back_from_the_end_until_a_stretch_begins_with_one_that_will_do(
    monkeypatch: pytest.MonkeyPatch, enough: int, expected: list[int]
) -> None:
    monkeypatch.setattr(reading, "_FIRST_BACK", 2)

    found = read_back(ACCESS, "calls", {0: (0, 4)}, is_enough=lambda record: record.offset == enough)

    assert [record.offset for record in found] == expected


def test_reading_back_goes_on_over_stretches_without_records_and_ends_at_the_first_offset(
    monkeypatch: pytest.MonkeyPatch, consumers: list[FakeConsumer]
) -> None:
    monkeypatch.setattr(reading, "_FIRST_BACK", 1)

    found = list(read_back(ACCESS, "calls", {3: (1, 4), 4: (0, 4)}, is_enough=lambda record: False))

    assert [(record.partition, record.offset) for record in found] == [(3, 1)]
    assert [consumer.closed for consumer in consumers] == [1]
