"""Finds which records of a file the topic does not hold yet, from the topic's own offsets. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sf_police.config import Config
from sf_police.errors import SfPoliceError
from sf_police.lock import locked
from sf_police.produce.records import Records
from sf_police.topic.record import Record, TopicRecord

if TYPE_CHECKING:
    from sf_police.topic.admin import Topic


@contextmanager
def only_producer(config: Config) -> Iterator[None]:
    """Ensure that no other producer with this STATE_DIR sends to the topic: both would send the remaining records.

    Raises:
        SfPoliceError: another one is sending.
    """
    path = config.state_dir / f"produce-{config.kafka_topic}.lock"
    with locked(path, f"another `produce` is sending to {config.kafka_topic}", remedy="wait for it, or stop it"):
        yield


@dataclass(frozen=True)
class Remaining:
    """The records still to be sent, in order, and their number."""

    count: int
    records: Iterable[Record]


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
    return Remaining(len(records) - sum(held.values()), remaining)
