"""Reads records without a consumer group: single ones by their offsets, or new ones as they arrive. Decodes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from sf_police.errors import SfPoliceError
from sf_police.topic.clients import BROKER_TIMEOUT_MS, KafkaAccess, broker_errors, client_options, isolation_level
from sf_police.topic.record import TopicRecord


def read_records(access: KafkaAccess, topic: str, offsets: Mapping[int, int]) -> dict[int, TopicRecord]:
    """Read one record from each partition.

    Args:
        access: the brokers.
        topic: its name.
        offsets: by partition; where an offset has no record, the next record is read.

    Raises:
        SfPoliceError: a record did not arrive in time.
    """
    records: dict[int, TopicRecord] = {}
    options = consumer_options(access)
    with (
        broker_errors(access, topic),
        closing(KafkaConsumer(**options, consumer_timeout_ms=BROKER_TIMEOUT_MS)) as consumer,
    ):
        for number, offset in offsets.items():
            _assign(consumer, topic, {number: offset})
            record = next(iter(consumer), None)
            if record is None:
                raise SfPoliceError(f"partition {number} of {topic} returned no record at offset {offset}")
            records[number] = topic_record(record)
    return records


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
    options = consumer_options(access)
    with broker_errors(access, topic), closing(KafkaConsumer(**options)) as consumer:
        _assign(consumer, topic, offsets)
        while not is_stopped():
            for records in consumer.poll(timeout_ms=200).values():
                yield from map(topic_record, records)


def consumer_options(access: KafkaAccess) -> dict[str, Any]:
    """Return the options of every consumer. Records that the stream does not count are not shown or compared either."""
    return {**client_options(access), "enable_auto_commit": False, "isolation_level": isolation_level(access)}


def topic_record(record: Any) -> TopicRecord:
    """Convert kafka-python's ConsumerRecord."""
    return TopicRecord(record.partition, record.offset, record.timestamp, record.key, record.value)


def _assign(consumer: KafkaConsumer, topic: str, offsets: Mapping[int, int]) -> None:
    consumer.assign([TopicPartition(topic, number) for number in offsets])
    for number, offset in offsets.items():
        consumer.seek(TopicPartition(topic, number), offset)
