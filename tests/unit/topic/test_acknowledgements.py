"""From kafka-python's batches to `publish`: what is acknowledged, and what its error becomes. Nothing is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import SimpleNamespace

import pytest
from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError
from kafka.producer.record_accumulator import RecordAccumulator

from sf_police.errors import SfPoliceError
from sf_police.produce.producer import Sent, publish
from sf_police.topic.acknowledgements import NotAcknowledgedError
from sf_police.topic.record import Record
from sf_police.topic.record_batches import RecordBatchProducer, _Batch

RECORDS = [Record(n, "", b"k", b"%d" % n * 30) for n in range(6)]


class Client:
    """kafka-python's producer without its sender: batches wait until the test, as the broker, answers them."""

    def __init__(self, batch_size: int = 1 << 20, on_flush: Callable[[Iterable[_Batch]], None] = list) -> None:
        self._accumulator = RecordAccumulator(batch_size=batch_size)
        self._sender = SimpleNamespace(wakeup=lambda: None)
        self._on_flush = on_flush

    def batches(self) -> list[_Batch]:
        return [batch for waiting in self._accumulator._batches.values() for batch in waiting]

    def flush(self) -> None:
        self._on_flush(self.batches())


def fail(batch: _Batch, error: Exception) -> None:
    batch.complete_exceptionally(error, lambda _: error)


def test_calls_that_share_a_batch_share_its_acknowledgement() -> None:
    client = Client()
    producer = RecordBatchProducer(client, "calls", partitions=2)

    [(first, first_count)] = producer.send(RECORDS[:2], 0)
    [(second, second_count)] = producer.send(RECORDS[2:5], 0)
    [(other, _)] = producer.send(RECORDS[5:], 1)

    assert first is second
    assert other is not first
    assert (first_count, second_count) == (2, 3)
    assert not first.is_done
    client.batches()[0].complete(0, -1)
    assert first.is_done
    assert not other.is_done
    first.wait()


def test_records_that_fill_several_batches_have_an_acknowledgement_of_each() -> None:
    client = Client(batch_size=150)

    sent = RecordBatchProducer(client, "calls", partitions=1).send(RECORDS, 0)

    assert [count for _, count in sent] == [batch.record_count for batch in client.batches()]
    assert [acknowledgement for acknowledgement, _ in sent] == [batch.acknowledgement for batch in client.batches()]
    assert len(sent) > 1


def test_a_batch_that_failed_raises_the_rooms_own_error() -> None:
    client = Client()
    [(acknowledgement, _)] = RecordBatchProducer(client, "calls", partitions=1).send(RECORDS, 0)
    error = KafkaTimeoutError("after 120 s")

    fail(client.batches()[0], error)

    assert acknowledgement.is_done
    with pytest.raises(NotAcknowledgedError) as raised:
        acknowledgement.wait()
    assert str(raised.value) == "KafkaTimeoutError: after 120 s"
    assert raised.value.__cause__ is error


def test_a_batch_that_is_over_the_topics_limit_is_not_split() -> None:
    client = Client()
    [(acknowledgement, _)] = RecordBatchProducer(client, "calls", partitions=1).send(RECORDS, 0)

    client._accumulator.split_and_reenqueue(client.batches()[0])

    with pytest.raises(NotAcknowledgedError, match=r"over the topic's max\.message\.bytes") as raised:
        acknowledgement.wait()
    assert isinstance(raised.value.__cause__, MessageSizeTooLargeError)


def test_publish_counts_what_each_batch_acknowledges() -> None:
    client = Client(on_flush=lambda batches: [batch.complete(0, -1) for batch in batches])

    done = publish([RECORDS[:4], RECORDS[4:]], RecordBatchProducer(client, "calls", partitions=2), partitions=2)

    assert done == Sent(sent=6, acknowledged=6)


def test_publish_says_which_record_was_not_acknowledged_and_why() -> None:
    def answer(batches: Iterable[_Batch]) -> None:
        first, second = batches
        first.complete(0, -1)
        fail(second, KafkaTimeoutError("after 120 s"))

    producer = RecordBatchProducer(Client(on_flush=answer), "calls", partitions=2)

    with pytest.raises(SfPoliceError) as raised:
        publish([RECORDS], producer, partitions=2)

    assert str(raised.value) == (
        "record 4 was not acknowledged (KafkaTimeoutError: after 120 s); "
        "acknowledged before it: 3: fix that, then run `make produce` again to send the remaining records"
    )
    assert isinstance(raised.value.__cause__, NotAcknowledgedError)
    assert isinstance(raised.value.__cause__.__cause__, KafkaTimeoutError)
