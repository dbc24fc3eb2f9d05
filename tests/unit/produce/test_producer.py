"""Sending: partitions, acknowledgements, and what happens on the first that fails. The producer is a fake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from sf_police.errors import SfPoliceError
from sf_police.produce.entries import Entry
from sf_police.produce.pace import paced
from sf_police.produce.producer import Sent, ensure_sendable, publish
from sf_police.produce.records import Records
from sf_police.topic.acknowledgements import NotAcknowledgedError
from sf_police.topic.record import Record


@dataclass
class FakeAcknowledgement:
    error: NotAcknowledgedError | None = None
    is_done: bool = True

    def wait(self) -> None:
        if self.error:
            raise self.error


@dataclass
class FakeProducer:
    failing: frozenset[int] = frozenset()
    sent: list[tuple[int, bytes | None, bytes]] = field(default_factory=list)
    flushes: int = 0

    def send(self, records: Sequence[Record], partition: int) -> list[tuple[Any, int]]:
        self.sent += [(partition, record.key, record.value) for record in records]
        timed_out = NotAcknowledgedError("KafkaTimeoutError: after 120 s")
        return [(FakeAcknowledgement(timed_out if r.position in self.failing else None), 1) for r in records]

    def flush(self) -> None:
        self.flushes += 1


def groups(end: int, first: int = 0) -> Iterator[list[Record]]:
    return paced(Record(n, "", b"key %d" % n, b"value %d" % n) for n in range(first, end))


def test_publish_deals_the_records_out_by_position() -> None:
    producer = FakeProducer()

    done = publish(groups(5), producer, partitions=3)

    assert producer.sent == [(n % 3, b"key %d" % n, b"value %d" % n) for n in (0, 3, 1, 4, 2)]
    assert producer.flushes == 1
    assert done == Sent(sent=5, acknowledged=5)


def test_publish_keeps_the_place_of_records_that_are_sent_later() -> None:
    producer = FakeProducer()

    publish(groups(8, first=6), producer, partitions=3)

    assert [partition for partition, _, _ in producer.sent] == [0, 1]


def test_publish_stops_at_the_first_record_that_is_not_acknowledged() -> None:
    producer = FakeProducer(failing=frozenset({1500}))

    with pytest.raises(
        SfPoliceError,
        match=r"record 1,501 was not acknowledged \(KafkaTimeoutError: after 120 s\); acknowledged before it: 1,500",
    ) as error:
        publish(groups(5000), producer, partitions=1)

    assert len(producer.sent) == 2000  # it is looked for every thousand
    assert isinstance(error.value.__cause__, NotAcknowledgedError)


def test_publish_checks_the_last_records_too() -> None:
    with pytest.raises(SfPoliceError, match="record 3 was not acknowledged"):
        publish(groups(3), FakeProducer(failing=frozenset({2})), partitions=1)


def test_publish_reports_progress() -> None:
    seen: list[int] = []

    publish(groups(2500), FakeProducer(), partitions=1, on_progress=lambda sent: seen.append(sent.acknowledged))

    assert seen == [1000, 2000, 2500]


@pytest.mark.parametrize("is_sorted", [True, False])
def test_a_record_over_the_limit_is_refused_before_anything_is_sent(is_sorted: bool) -> None:
    def file(*sizes: int) -> Records:
        entries = [Entry("", n if is_sorted else -n, n, b"k", b"v" * size) for n, size in enumerate(sizes)]
        return Records(entries, None, is_sorted=is_sorted, most_bytes=1 << 30)

    ensure_sendable(file(1, 1_048_000))
    with pytest.raises(
        SfPoliceError, match=r"record 2 of the file \(key b'k'\) .* over the limit of 1,048,576; nothing was sent"
    ):
        ensure_sendable(file(1, 1_048_576, 1))
