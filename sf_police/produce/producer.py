"""Records -> topic: each to its partition, every acknowledgement checked."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from sf_police.errors import SfPoliceError
from sf_police.produce.pace import RECORDS_AT_A_TIME
from sf_police.produce.records import Records
from sf_police.topic.acknowledgements import Acknowledgement, NotAcknowledgedError
from sf_police.topic.record import Record

# Records that may be open before the oldest is waited for: bounds the memory, and how much is sent after a failure.
_MOST_OPEN: Final = 50_000
_LOOK_EVERY_S: Final = 0.2
# Kafka's default for a record, at the producer and at the broker; its frame takes less than the overhead.
_MOST_RECORD_BYTES: Final = 1_048_576
_RECORD_OVERHEAD_BYTES: Final = 100


class Sender(Protocol):
    """What `publish` needs of a producer."""

    def send(self, records: Sequence[Record], partition: int) -> list[tuple[Acknowledgement, int]]:
        """Queue records; return (acknowledgement, count), in order: the acknowledgement is of `count` records."""

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
    pending: deque[tuple[Acknowledgement, int]] = deque()
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
            f"record {records.longest.number + 1:,} of the file (key {records.longest.key!r:.80}) makes a record of "
            f"{size:,} bytes, over the limit of {_MOST_RECORD_BYTES:,}; nothing was sent"
        )


def _settle(pending: deque[tuple[Acknowledgement, int]], done: Sent, *, most_open: int) -> None:
    # Takes from the front what is decided; waits only for more than may stay open.
    while pending and (pending[0][0].is_done or done.sent - done.acknowledged > most_open):
        acknowledgement, count = pending[0]
        try:
            acknowledgement.wait()
        except NotAcknowledgedError as error:
            raise SfPoliceError(
                f"record {done.acknowledged + 1:,} was not acknowledged ({error}); "
                f"acknowledged before it: {done.acknowledged:,}. "
                "Fix that, then run `make produce` again: it sends the rest"
            ) from error
        pending.popleft()
        done.acknowledged += count
