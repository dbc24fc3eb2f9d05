"""Records -> topic: each to its partition, every acknowledgement checked. The client is made in `topic/sending.py`."""

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

# Unacknowledged records before the oldest is waited for: bounds memory, and how much is sent after a failure.
_MOST_UNACKNOWLEDGED: Final = 50_000
_LOOK_EVERY_S: Final = 0.2
# Kafka's default limit for a record, of producers and brokers alike; its framing takes less than the overhead.
_MOST_RECORD_BYTES: Final = 1_048_576
_RECORD_OVERHEAD_BYTES: Final = 100


class Sender(Protocol):
    """What `publish` needs from a producer."""

    def send(self, records: Sequence[Record], partition: int) -> list[tuple[Acknowledgement, int]]:
        """Queue records; return (acknowledgement, count) in order: the acknowledgement covers `count` records."""

    def flush(self) -> Any:
        """Wait until everything queued is acknowledged or has failed."""


@dataclass
class Sent:
    """How many records were handed to the producer, and how many the brokers have acknowledged."""

    sent: int = 0
    acknowledged: int = 0


def publish(
    groups: Iterable[Sequence[Record]],
    producer: Sender,
    *,
    partitions: int,
    on_progress: Callable[[Sent], None] = lambda _: None,
) -> Sent:
    """Send each group's records, each to partition `position % partitions`, and wait until all are acknowledged.

    Partitions are chosen by position, not by key: Spark's watermark is one maximum over all partitions, and partitions
    by key hash drift hours apart when read in small micro-batches, so that records are dropped as late.

    Raises:
        SfPoliceError: a record was not acknowledged. Nothing is sent once this is noticed, so that as few records as
            possible follow a gap.
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
        # Often enough to stop soon after a failure and to show progress, whether records come slowly or fast.
        if len(group) >= RECORDS_AT_A_TIME or time.monotonic() - looked > _LOOK_EVERY_S:
            _settle(pending, done, most_unacknowledged=_MOST_UNACKNOWLEDGED)
            on_progress(done)
            looked = time.monotonic()
    producer.flush()
    _settle(pending, done, most_unacknowledged=0)
    on_progress(done)
    return done


def ensure_sendable(records: Records) -> None:
    """Raise SfPoliceError if a record is too large to send; to be checked before anything is sent."""
    size = records.longest_bytes + _RECORD_OVERHEAD_BYTES
    if size > _MOST_RECORD_BYTES and records.longest:
        raise SfPoliceError(
            f"record {records.longest.number + 1:,} of the file (key {records.longest.key!r:.80}) takes {size:,} bytes "
            f"in the topic, over the limit of {_MOST_RECORD_BYTES:,}; nothing was sent"
        )


def _settle(pending: deque[tuple[Acknowledgement, int]], done: Sent, *, most_unacknowledged: int) -> None:
    # Removes settled batches from the front; waits only while more than `most_unacknowledged` records are open.
    while pending and (pending[0][0].is_done or done.sent - done.acknowledged > most_unacknowledged):
        acknowledgement, count = pending[0]
        try:
            acknowledgement.wait()
        except NotAcknowledgedError as error:
            raise SfPoliceError(
                f"record {done.acknowledged + 1:,} was not acknowledged ({error}); "
                f"acknowledged before it: {done.acknowledged:,}",
                remedy="fix that, then run `make produce` again to send the remaining records",
            ) from error
        pending.popleft()
        done.acknowledged += count
