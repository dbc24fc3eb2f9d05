"""What of a file is not in the topic yet, learnt from the topic's own offsets."""

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
    """Be the only producer of this machine and STATE_DIR that sends to the topic: two would each send the rest.

    Raises:
        SfPoliceError: another one is sending.
    """
    path = config.state_dir / f"produce-{config.kafka_topic}.lock"
    with locked(path, f"another `produce` is sending to {config.kafka_topic}: wait for it, or stop it"):
        yield


@dataclass(frozen=True)
class Remaining:
    """Records that are still to be sent, in order, and how many they are."""

    count: int
    records: Iterable[Record]


def missing_records(
    records: Records, topic: Topic, read: Callable[[dict[int, int]], dict[int, TopicRecord]]
) -> Remaining:
    """Find the records that are still to be sent.

    Partition p of N holds the records p, p+N, p+2N, … of the file, so its number of records says how far it is; that
    it is this file's is checked by its last record.

    Args:
        records: all records of the file, by position.
        topic: as it is now.
        read: gives the record of each partition at an offset.

    Raises:
        SfPoliceError: the topic holds something else, or no longer its first records.
    """
    count = len(topic.partitions)
    trimmed = [partition.number for partition in topic.partitions if partition.first_offset]
    if trimmed:
        raise SfPoliceError(
            f"the first records of {topic.name} are gone (partition {trimmed[0]} starts at offset "
            f"{topic.partitions[trimmed[0]].first_offset:,}), so what is missing cannot be known",
            remedy="set KAFKA_TOPIC to a new topic",
        )
    held = {partition.number: partition.next_offset for partition in topic.partitions if partition.next_offset}
    last = {number: number + (following - 1) * count for number, following in held.items()}
    stored = read({number: following - 1 for number, following in held.items()}) if held else {}
    expected = records.at(last.values()) if held else {}
    for number, position in last.items():
        record = expected.get(position)
        if record is None or (stored[number].key, stored[number].value) != (record.key, record.value):
            raise SfPoliceError(
                f"{topic.name} holds other records than this file (partition {number}, offset {held[number] - 1:,}): "
                "set KAFKA_TOPIC to a new topic, or send all of it regardless with `--again`"
            )
    remaining = (record for record in records if record.position // count >= held.get(record.position % count, 0))
    return Remaining(len(records) - sum(held.values()), remaining)
