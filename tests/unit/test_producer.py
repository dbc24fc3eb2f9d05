"""Sending: partitions, acknowledgements, and what happens on the first that fails. The producer is a fake."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError

from sf_police.calls import Record
from sf_police.errors import SfPoliceError
from sf_police.producer import Sent, ensure_sendable, publish


@dataclass
class FakeFuture:
    error: Exception | None = None
    is_done: bool = True

    def get(self) -> None:
        if self.error:
            raise self.error


@dataclass
class FakeProducer:
    failing: frozenset[int] = frozenset()
    sent: list[tuple[str, int, bytes | None, bytes]] = field(default_factory=list)
    flushes: int = 0

    def send(self, topic: str, *, key: bytes | None, value: bytes, partition: int) -> Any:
        self.sent.append((topic, partition, key, value))
        return FakeFuture(KafkaTimeoutError("late") if len(self.sent) - 1 in self.failing else None)

    def flush(self) -> None:
        self.flushes += 1


def records(count: int) -> list[Record]:
    return [Record(position, "", b"key %d" % position, b"value %d" % position) for position in range(count)]


def test_publish_deals_the_records_out_by_position() -> None:
    producer = FakeProducer()

    done = publish(records(5), producer, topic="calls", partitions=3)

    assert producer.sent == [("calls", n % 3, b"key %d" % n, b"value %d" % n) for n in range(5)]
    assert producer.flushes == 1
    assert done == Sent(sent=5, acknowledged=5)


def test_publish_keeps_the_place_of_records_that_are_sent_later() -> None:
    producer = FakeProducer()

    publish(records(8)[6:], producer, topic="calls", partitions=3)

    assert [partition for _, partition, _, _ in producer.sent] == [0, 1]


def test_publish_stops_at_the_first_record_that_is_not_acknowledged() -> None:
    producer = FakeProducer(failing=frozenset({1500}))

    with pytest.raises(
        SfPoliceError, match=r"record 1,501 was not acknowledged .*; acknowledged before it: 1,500"
    ) as error:
        publish(records(5000), producer, topic="calls", partitions=1)

    assert len(producer.sent) == 2000  # it is looked for every thousand
    assert isinstance(error.value.__cause__, KafkaTimeoutError)


def test_publish_checks_the_last_records_too() -> None:
    with pytest.raises(SfPoliceError, match="record 3 was not acknowledged"):
        publish(records(3), FakeProducer(failing=frozenset({2})), topic="calls", partitions=1)


def test_publish_reports_progress() -> None:
    seen: list[int] = []

    publish(
        records(2500), FakeProducer(), topic="t", partitions=1, on_progress=lambda sent: seen.append(sent.acknowledged)
    )

    assert seen == [1000, 2000, 2500]


def test_a_record_over_the_limit_is_refused_before_anything_is_sent() -> None:
    ensure_sendable([Record(0, "", b"k", b"v" * 1_048_000)])
    with pytest.raises(
        SfPoliceError, match=r"call 2 in order \(key b'k'\) .* over the limit of 1,048,576; nothing was sent"
    ):
        ensure_sendable([Record(0, "", b"k", b"v"), Record(1, "", b"k", b"v" * 1_048_576)])
