"""Records -> topic: idempotent, acknowledged by all in-sync replicas, every acknowledgement checked."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from kafka import KafkaProducer
from kafka.errors import KafkaError

from sf_police.calls import Record
from sf_police.config import Config
from sf_police.errors import SfPoliceError
from sf_police.topics import broker_errors, client_options

# Futures that may be open before the oldest is waited for: bounds the memory, and how much is sent after a failure.
_MOST_OPEN: Final = 50_000
_LOOK_EVERY_S: Final = 0.2
# Kafka's default for a record, at the producer and at the broker; its frame takes less than the overhead.
_MOST_RECORD_BYTES: Final = 1_048_576
_RECORD_OVERHEAD_BYTES: Final = 100


class Sender(Protocol):
    """What `publish` needs of a producer: kafka-python's, or a test's."""

    def send(self, topic: str, *, key: bytes | None, value: bytes, partition: int) -> Any:
        """Queue a record; gives a future with `get`, `failed` and `is_done`."""

    def flush(self) -> Any:
        """Return when everything queued is acknowledged or has failed."""


@dataclass
class Sent:
    """What became of the records: handed to the producer, and acknowledged by the brokers."""

    sent: int = 0
    acknowledged: int = 0


def publish(
    records: Iterable[Record],
    producer: Sender,
    *,
    topic: str,
    partitions: int,
    on_progress: Callable[[Sent], None] = lambda _: None,
) -> Sent:
    """Send the records, each to partition `position % partitions`, and return when all are acknowledged.

    The partition goes by position, not by key: Spark's watermark is one maximum over all partitions, and partitions
    by key hash drift hours apart when they are read in small micro-batches, so that calls are dropped as late.

    Raises:
        SfPoliceError: a record was not acknowledged. Nothing is sent after the first such record is seen, so that
            no hole is followed by later records.
    """
    done = Sent()
    pending: deque[Any] = deque()
    looked = time.monotonic()
    for record in records:
        partition = record.position % partitions
        pending.append(producer.send(topic, key=record.key, value=record.value, partition=partition))
        done.sent += 1
        # Often enough to stop soon and to show progress, whether records come slowly or fast.
        if done.sent % 1000 == 0 or time.monotonic() - looked > _LOOK_EVERY_S:
            _settle(pending, done, most_open=_MOST_OPEN)
            on_progress(done)
            looked = time.monotonic()
    producer.flush()
    _settle(pending, done, most_open=0)
    on_progress(done)
    return done


def ensure_sendable(records: Iterable[Record]) -> None:
    """Raise SfPoliceError when a record is larger than the producer sends, before anything is sent."""
    for record in records:
        size = len(record.value) + len(record.key or b"") + _RECORD_OVERHEAD_BYTES
        if size > _MOST_RECORD_BYTES:
            raise SfPoliceError(
                f"call {record.position + 1:,} in order (key {record.key!r:.80}) makes a record of {size:,} bytes, "
                f"over the limit of {_MOST_RECORD_BYTES:,}; nothing was sent"
            )


def _settle(pending: deque[Any], done: Sent, *, most_open: int) -> None:
    # Takes from the front what is decided; waits only for more than may stay open.
    while pending and (pending[0].is_done or len(pending) > most_open):
        try:
            pending[0].get()
        except KafkaError as error:
            raise SfPoliceError(
                f"record {done.acknowledged + 1:,} was not acknowledged ({type(error).__name__}: {error}); "
                f"acknowledged before it: {done.acknowledged:,}. "
                "Mend that, then run `make produce` again: it sends the rest"
            ) from error
        pending.popleft()
        done.acknowledged += 1


@contextmanager
def kafka_producer(config: Config) -> Iterator[KafkaProducer]:
    """A connected producer; on an error, what it has not sent yet is thrown away."""
    with broker_errors(config):
        producer = KafkaProducer(
            **client_options(config),
            # Said aloud, because acks=1, retries=0 or more than 5 requests in flight would switch it off silently.
            enable_idempotence=True,
            acks="all",
            max_request_size=_MOST_RECORD_BYTES,
            metrics_enabled=False,
            linger_ms=20,
            batch_size=256 * 1024,
            allow_auto_create_topics=False,
        )
        try:
            yield producer
        except BaseException:
            producer.close(timeout=0)
            raise
        else:
            producer.close()
