"""Records -> topic: idempotent, acknowledged by all in-sync replicas, every acknowledgement checked."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from kafka import KafkaProducer
from kafka.errors import KafkaError

from sf_police.config import Config
from sf_police.errors import SfPoliceError
from sf_police.produce.pace import RECORDS_AT_A_TIME
from sf_police.produce.records import Records
from sf_police.topic.admin import Topic, broker_errors, client_options
from sf_police.topic.record import Record
from sf_police.topic.record_batches import RecordBatchProducer

# Records that may be open before the oldest is waited for: bounds the memory, and how much is sent after a failure.
_MOST_OPEN: Final = 50_000
_LOOK_EVERY_S: Final = 0.2
# One batch of a partition is on its way at a time, as kafka-python keeps their order: the larger, the fewer waits.
_BATCH_BYTES: Final = 1 << 20
_REQUEST_BYTES: Final = 4 << 20
# Kafka's default for a record, at the producer and at the broker; its frame takes less than the overhead.
_MOST_RECORD_BYTES: Final = 1_048_576
_RECORD_OVERHEAD_BYTES: Final = 100


class Sender(Protocol):
    """What `publish` needs of a producer."""

    def send(self, records: Sequence[Record], partition: int) -> list[tuple[Any, int]]:
        """Queue records; gives futures with `get` and `is_done`, in order, each with how many of these it is of."""

    def flush(self) -> Any:
        """Return when everything queued is acknowledged or has failed."""


@dataclass
class Sent:
    """What became of the records: handed to the producer, and acknowledged by the brokers."""

    sent: int = 0
    acknowledged: int = 0


def publish(
    groups: Iterable[Sequence[Record]],
    producer: Sender,
    *,
    partitions: int,
    on_progress: Callable[[Sent], None] = lambda _: None,
) -> Sent:
    """Send the records of each group, each to partition `position % partitions`, and return when all are acknowledged.

    The partition goes by position, not by key: Spark's watermark is one maximum over all partitions, and partitions
    by key hash drift hours apart when they are read in small micro-batches, so that calls are dropped as late.

    Raises:
        SfPoliceError: a record was not acknowledged. Nothing is sent after the first such record is seen, so that
            no hole is followed by later records.
    """
    done = Sent()
    pending: deque[tuple[Any, int]] = deque()
    looked = time.monotonic()
    for group in groups:
        dealt: list[list[Record]] = [[] for _ in range(partitions)]
        for record in group:
            dealt[record.position % partitions].append(record)
        for partition, share in enumerate(dealt):
            if share:
                pending.extend(producer.send(share, partition))
        done.sent += len(group)
        # Often enough to stop soon and to show progress, whether records come slowly or fast.
        if len(group) >= RECORDS_AT_A_TIME or time.monotonic() - looked > _LOOK_EVERY_S:
            _settle(pending, done, most_open=_MOST_OPEN)
            on_progress(done)
            looked = time.monotonic()
    producer.flush()
    _settle(pending, done, most_open=0)
    on_progress(done)
    return done


def ensure_sendable(records: Records) -> None:
    """Raise SfPoliceError when a record is larger than the producer sends, before anything is sent."""
    size = records.longest_bytes + _RECORD_OVERHEAD_BYTES
    if size > _MOST_RECORD_BYTES and records.longest:
        raise SfPoliceError(
            f"call {abs(records.longest.rank) + 1:,} of the file (key {records.longest.key!r:.80}) makes a record of "
            f"{size:,} bytes, over the limit of {_MOST_RECORD_BYTES:,}; nothing was sent"
        )


def _settle(pending: deque[tuple[Any, int]], done: Sent, *, most_open: int) -> None:
    # Takes from the front what is decided; waits only for more than may stay open.
    while pending and (pending[0][0].is_done or done.sent - done.acknowledged > most_open):
        future, count = pending[0]
        try:
            future.get()
        except KafkaError as error:
            raise SfPoliceError(
                f"record {done.acknowledged + 1:,} was not acknowledged ({type(error).__name__}: {error}); "
                f"acknowledged before it: {done.acknowledged:,}. "
                "Mend that, then run `make produce` again: it sends the rest"
            ) from error
        pending.popleft()
        done.acknowledged += count


@contextmanager
def kafka_producer(config: Config, topic: Topic) -> Iterator[RecordBatchProducer]:
    """A connected producer for the topic; on an error, what it has not sent yet is thrown away."""
    with broker_errors(config):
        client = KafkaProducer(
            **client_options(config),
            # Said aloud, because acks=1, retries=0 or more than 5 requests in flight would switch it off silently.
            enable_idempotence=True,
            acks="all",
            max_request_size=_REQUEST_BYTES,
            metrics_enabled=False,
            compression_type="lz4",
            linger_ms=20,
            batch_size=min(_BATCH_BYTES, topic.max_message_bytes),
            allow_auto_create_topics=False,
        )
        try:
            client.partitions_for(topic.name)
            yield RecordBatchProducer(client, topic.name, len(topic.partitions))
        except BaseException:
            client.close(timeout=0)
            raise
        else:
            client.close()
