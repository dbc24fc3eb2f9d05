"""Reads records without a consumer group: single ones by offset, the latest, or new ones. Decodes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from itertools import takewhile
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition

from sf_police.errors import SfPoliceError
from sf_police.topic.clients import BROKER_TIMEOUT_MS, KafkaAccess, broker_errors, consumer_options
from sf_police.topic.record import TopicRecord

# How far back from the end a last record is looked for: transactions and compaction leave offsets without one.
_MOST_OFFSETS_BACK: Final = 100_000
# How many offsets `read_back` reads at first, and at most, at a time.
_FIRST_BACK: Final = 1_000
_MOST_BACK: Final = 16_000


def read_records(access: KafkaAccess, topic: str, offsets: Mapping[int, int]) -> dict[int, TopicRecord]:
    """Read one record from each partition.

    Args:
        access: the brokers.
        topic: its name.
        offsets: by partition; where an offset has no record, the next record is read. A partition without a record
            from there on, but for markers of transactions, is not in the result.

    Raises:
        SfPoliceError: a record did not arrive in time, or is compressed in a way that cannot be read.
    """
    with broker_errors(access, topic), closing(KafkaConsumer(**consumer_options(access))) as consumer:
        found = {
            number: next(_records_from(consumer, TopicPartition(topic, number), offset), None)
            for number, offset in offsets.items()
        }
    return {number: record for number, record in found.items() if record}


def read_last_records(
    access: KafkaAccess, topic: str, offsets: Mapping[int, tuple[int, int]]
) -> dict[int, TopicRecord | None]:
    """Read the last record of each partition.

    Args:
        access: the brokers.
        topic: its name.
        offsets: by partition, the first offset and the next one.

    Returns:
        by partition; None where the last 100,000 offsets hold no record.
    """
    with broker_errors(access, topic), closing(KafkaConsumer(**consumer_options(access))) as consumer:
        return {
            number: _last_record(consumer, TopicPartition(topic, number), first, following)
            for number, (first, following) in offsets.items()
        }


def read_back(
    access: KafkaAccess, topic: str, offsets: Mapping[int, tuple[int, int]], *, is_enough: Callable[[TopicRecord], bool]
) -> Iterator[TopicRecord]:
    """Yield each partition's records, from its end back in stretches, until one begins with a record that is enough.

    Args:
        access: the brokers.
        topic: its name.
        offsets: by partition, the first offset and the next one.
        is_enough: whether nothing before this record is wanted.
    """
    with broker_errors(access, topic), closing(KafkaConsumer(**consumer_options(access))) as consumer:
        for number, (first, following) in offsets.items():
            size, end = _FIRST_BACK, following
            while end > first:
                start = max(first, end - size)
                stretch = _stretch(consumer, TopicPartition(topic, number), start, end)
                yield from stretch
                if stretch and is_enough(stretch[0]):
                    break
                size, end = min(_MOST_BACK, 4 * size), start


def _stretch(consumer: KafkaConsumer, where: TopicPartition, start: int, end: int) -> list[TopicRecord]:
    return list(takewhile(lambda record: record.offset < end, _records_from(consumer, where, start)))


def _last_record(consumer: KafkaConsumer, where: TopicPartition, first: int, following: int) -> TopicRecord | None:
    back = 1
    while True:
        start = max(first, following - back)
        last = None
        for record in _records_from(consumer, where, start):
            last = record
        if last or start == first or back >= _MOST_OFFSETS_BACK:
            return last
        back *= 8


def _records_from(consumer: KafkaConsumer, where: TopicPartition, offset: int) -> Iterator[TopicRecord]:
    # To the end that there is now; with open transactions, to the first of them.
    consumer.assign([where])
    end = consumer.end_offsets([where])[where]
    consumer.seek(where, offset)
    deadline = time.monotonic() + BROKER_TIMEOUT_MS / 1000
    while consumer.position(where) < end:
        for records in consumer.poll(timeout_ms=200).values():
            deadline = time.monotonic() + BROKER_TIMEOUT_MS / 1000
            yield from map(topic_record, records)
        if time.monotonic() > deadline:
            raise SfPoliceError(
                f"partition {where.partition} of {where.topic} returned no record at offset {consumer.position(where)}"
            )


def follow_records(
    access: KafkaAccess, topic: str, offsets: Mapping[int, int], *, is_stopped: Callable[[], bool]
) -> Iterator[TopicRecord]:
    """Yield records as they arrive, from these offsets on, until stopped.

    Args:
        access: the brokers.
        topic: its name.
        offsets: by partition; partitions not listed are not read.
        is_stopped: ends the iteration.

    Raises:
        SfPoliceError: the brokers refused.
    """
    with broker_errors(access, topic), closing(KafkaConsumer(**consumer_options(access))) as consumer:
        consumer.assign([TopicPartition(topic, number) for number in offsets])
        for number, offset in offsets.items():
            consumer.seek(TopicPartition(topic, number), offset)
        while not is_stopped():
            for records in consumer.poll(timeout_ms=200).values():
                yield from map(topic_record, records)


def topic_record(record: Any) -> TopicRecord:
    """Convert kafka-python's ConsumerRecord."""
    return TopicRecord(record.partition, record.offset, record.timestamp, record.key, record.value)
