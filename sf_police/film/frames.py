"""What the film shows of each micro-batch: its records' event times, as seen from the watermark. Reads nothing.

A record is late if its event time is not after the watermark that its micro-batch had, as the store has it. Shown are
single records, some of each micro-batch: every one is real, and they are as far apart as they can be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from sf_police.errors import SfPoliceError
from sf_police.film.ways import Way
from sf_police.question import Question
from sf_police.store.tables import Batch

# Event time by partition and offset; None: rejected, or an offset without a record.
Times = Mapping[int, Sequence[datetime | None]]

# Of all micro-batches of a way together, and of one.
_MOST_SHOWN: Final = 16_000
_MOST_OF_A_BATCH: Final = 64
_FEWEST_OF_A_BATCH: Final = 8


class Shown(NamedTuple):
    """A record: its partition, and its event time less the watermark in seconds (None: there was no watermark yet)."""

    partition: int
    ahead_s: float | None

    @property
    def is_late(self) -> bool:
        """Whether it was dropped as late."""
        return self.ahead_s is not None and self.ahead_s <= 0


@dataclass(frozen=True)
class Frame:
    """A micro-batch: how many records it read and dropped as late, its watermark, and some of its records."""

    number: int
    read: int
    late: int
    watermark: datetime | None
    shown: tuple[Shown, ...]


@dataclass(frozen=True)
class Filmed:
    """What one way came to, micro-batch by micro-batch."""

    way: Way
    frames: tuple[Frame, ...]

    @property
    def read(self) -> int:
        """Number of records."""
        return sum(frame.read for frame in self.frames)

    @property
    def late(self) -> int:
        """Number of records that were dropped as late."""
        return sum(frame.late for frame in self.frames)


@dataclass(frozen=True)
class Film:
    """What a film is made of.

    Args:
        question: whose records they are.
        ways: in the order in which they are shown.
        source: which records were sent, in words.
        partitions: of each topic.
        most_offsets: records of a micro-batch, at most.
        watermark: how far it trails the latest event time, such as `10 minutes`.
    """

    question: Question
    ways: Sequence[Filmed]
    source: str
    partitions: int
    most_offsets: int
    watermark: str

    @property
    def length(self) -> int:
        """Number of micro-batches of the longest way."""
        return max(len(way.frames) for way in self.ways)


def frames_of(batches: Sequence[Batch], times: Times) -> tuple[Frame, ...]:
    """Return the frames of micro-batches, in their order.

    Args:
        batches: all of a stream, from the first on.
        times: of the topic's records.

    Raises:
        SfPoliceError: by these times, other records were late than a micro-batch says.
    """
    most = min(_MOST_OF_A_BATCH, max(_FEWEST_OF_A_BATCH, _MOST_SHOWN // max(1, len(batches))))
    return tuple(_frame(batch, times, most) for batch in batches)


def _frame(batch: Batch, times: Times, most: int) -> Frame:
    found = [
        Shown(int(number), None if batch.watermark is None else (time - batch.watermark).total_seconds())
        for number, end in sorted(batch.end_offsets.items(), key=lambda item: int(item[0]))
        for time in times[int(number)][batch.start_offsets.get(number, 0) : end]
        if time is not None
    ]
    late = sum(record.is_late for record in found)
    if late != batch.late:
        raise SfPoliceError(
            f"micro-batch {batch.batch_id} had {batch.late:,} late records, but {late:,} in the topic are at or before "
            "its watermark",
            remedy="tell the maintainers: what Spark calls late has changed",
        )
    return Frame(batch.batch_id, batch.read, batch.late, batch.watermark, tuple(evenly(found, most)))


def evenly(found: Sequence[Shown], most: int) -> list[Shown]:
    """Return at most so many of the records, in their order and at even distances."""
    if len(found) <= most:
        return list(found)
    return [found[index * len(found) // most] for index in range(most)]
