"""Finds which records of a file the topic does not hold yet, from the topic's own offsets. Nothing is sent here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sf_police.config import Config
from sf_police.errors import SfPoliceError
from sf_police.lock import locked
from sf_police.produce.json_files import Shape
from sf_police.produce.pace import pace_seconds
from sf_police.produce.producer import ensure_sendable
from sf_police.produce.records import Records, read_to_send
from sf_police.question import Question, number_of
from sf_police.topic import reading
from sf_police.topic.record import Record, TopicRecord

if TYPE_CHECKING:
    from sf_police.topic.admin import Topic
    from sf_police.topic.clients import KafkaAccess


@contextmanager
def only_producer(config: Config) -> Iterator[None]:
    """Ensure that no other producer with this STATE_DIR sends to the topic: both would send the remaining records.

    Raises:
        SfPoliceError: another one is sending.
    """
    path = config.state_dir / f"produce-{config.kafka_topic}.lock"
    with locked(
        path, f"another `produce` or `follow` is sending to {config.kafka_topic}", remedy="wait for it, or stop it"
    ):
        yield


@dataclass(frozen=True)
class Remaining:
    """The records still to be sent, in order, and their number; and all records of the file."""

    count: int
    records: Iterable[Record]
    file: Records

    def seconds(self, *, rate: float | None, speed: float | None) -> float | None:
        """Return how long sending takes at a pace; None if it is not paced. Goes once through the file."""
        if not (rate or speed) or not self.count:
            return None
        # What is left is the file's end, but for what the partitions differ by.
        ends = self.file.at({len(self.file) - self.count, len(self.file) - 1})
        first, last = ends[min(ends)], ends[max(ends)]
        return pace_seconds(first, last, count=self.count, rate=rate, speed=speed)


def missing_records(
    records: Records, topic: Topic, read: Callable[[dict[int, int]], dict[int, TopicRecord]]
) -> Remaining:
    """Find the records still to be sent.

    Partition p of N holds the records p, p+N, p+2N, … of the file, so its number of records tells how many were sent.
    Its last record is compared with the file's, to check that they are from this file.

    Args:
        records: all records of the file, by position.
        topic: as it is now.
        read: returns each partition's record at an offset; none for an offset that holds a marker of a transaction.

    Raises:
        SfPoliceError: the topic holds other records, or has lost its first ones.
    """
    count = len(topic.partitions)
    trimmed = [partition.number for partition in topic.partitions if partition.first_offset]
    if trimmed:
        raise SfPoliceError(
            f"the first records of {topic.name} are gone (partition {trimmed[0]} starts at offset "
            f"{topic.partitions[trimmed[0]].first_offset:,}), so it is unknown which records are missing",
            remedy="set KAFKA_TOPIC to a new topic",
        )
    held = {partition.number: partition.next_offset for partition in topic.partitions if partition.next_offset}
    last = {number: number + (following - 1) * count for number, following in held.items()}
    stored = read({number: following - 1 for number, following in held.items()}) if held else {}
    expected = records.at(last.values()) if held else {}
    for number, position in last.items():
        record, found = expected.get(position), stored.get(number)
        if record is None or found is None or (found.key, found.value) != (record.key, record.value):
            raise SfPoliceError(
                f"{topic.name} holds records that are not from this file "
                f"(partition {number}, offset {held[number] - 1:,})",
                remedy="set KAFKA_TOPIC to a new topic, or send the whole file anyway with `--again`",
            )
    remaining = (record for record in records if record.position // count >= held.get(record.position % count, 0))
    return Remaining(len(records) - sum(held.values()), remaining, records)


def remaining_records(
    access: KafkaAccess,
    topic: Topic,
    path: Path,
    question: Question,
    *,
    order: str,
    folder: Path,
    shape: Shape | None = None,
    again: bool = False,
    say: Callable[[str], None],
) -> Remaining:
    """Read and order a file, and find which of its records the topic does not hold yet.

    Args:
        access: the brokers.
        topic: as it is now.
        path: of the file.
        question: whose records are in it.
        order: `event` or `file`.
        folder: for what does not fit into memory.
        shape: as `read_records` has it.
        again: all records are to be sent, whatever the topic holds.
        say: is told what was found.

    Raises:
        SfPoliceError: the file cannot be read, a record is too large, or the topic holds other records.
    """
    started, rows = time.monotonic(), question.rows
    records = read_to_send(path, question, order=order, folder=folder, shape=shape)
    ensure_sendable(records)
    say(f"read and ordered {number_of(len(records), rows)} in {time.monotonic() - started:.1f} s")
    if again:
        return Remaining(len(records), records, records)
    remaining = missing_records(records, topic, partial(reading.read_records, access, topic.name))
    if not remaining.count:
        say(f"nothing to send: the topic already holds all {number_of(len(records), rows)}")
    elif remaining.count < len(records):
        held = len(records) - remaining.count
        every = number_of(len(records), rows)
        say(f"the topic already holds {held:,} of {every}; sending the other {remaining.count:,}")
    return remaining
