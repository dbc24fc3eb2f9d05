"""The three ways in which the same records are sent to a topic. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from sf_police.topic.key_hash import key_partition
from sf_police.topic.record import Record


@dataclass(frozen=True)
class Way:
    """A way to send a file's records.

    Args:
        name: in topics, folders and ids of a page.
        title: what it does, in words; `{file_order}` stands for the order of the file.
        because: what comes of it.
        order: as `read_in_order` has it.
        by_key: whether the key's hash chooses the partition, or else the position.
    """

    name: str
    title: str
    because: str
    order: Literal["event", "file"]
    by_key: bool = False


WAYS: Final = (
    Way(
        "as-it-stands",
        "As the file stands, {file_order}",
        "The first micro-batches carry the watermark past all others.",
        order="file",
    ),
    Way(
        "by-key",
        "By event time, partitions by key",
        "The partition that is ahead carries the watermark.",
        order="event",
        by_key=True,
    ),
    Way(
        "in-turn",
        "By event time, partitions in turn",
        "As here: all partitions are at the same event time.",
        order="event",
    ),
)


def placed(records: Iterable[Record], way: Way, *, partitions: int) -> Iterator[Record]:
    """Yield records with positions by which `publish` chooses the partitions of this way: position modulo partitions.

    Args:
        records: in sending order.
        way: whose partitions they are.
        partitions: of the topic.
    """
    for record in records:
        if way.by_key and record.key is not None:
            yield record._replace(position=key_partition(record.key, partitions))
        else:
            yield record
