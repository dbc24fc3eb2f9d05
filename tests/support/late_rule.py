"""Spark's rule of what is late, in plain Python: how it cuts micro-batches, and the watermark that each of them has."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.support.oracle import WATERMARK


@dataclass(frozen=True)
class RuledBatch:
    """What a micro-batch reads by the rule: offsets by partition (the end exclusive), watermark, late records."""

    start: dict[int, int]
    end: dict[int, int]
    watermark: datetime | None
    late: int


def ruled_batches(
    times: Mapping[int, Sequence[datetime]], offsets: int, watermark: timedelta = WATERMARK
) -> Iterator[RuledBatch]:
    """Yield the micro-batches of so many offsets over the event times of each partition, which are all there before."""
    at = dict.fromkeys(sorted(times), 0)
    # A record is judged by the watermark that the batch before had.
    before: datetime | None = None
    following = latest = datetime.min
    while left := sum(len(times[number]) - start for number, start in at.items()):
        start, read = dict(at), list[datetime]()
        for number, offset in start.items():
            # In proportion to what is left in each partition, and from each that has some; as Spark rounds it.
            share = offsets * ((len(times[number]) - offset) / left)
            at[number] = min(len(times[number]), offset + (int(share) if share >= 1 else math.ceil(share)))
            read += times[number][offset : at[number]]
        yield RuledBatch(start, dict(at), before, sum(before is not None and time <= before for time in read))
        before = None if following == datetime.min else following
        latest = max([latest, *read])
        following = max(following, latest - watermark)
