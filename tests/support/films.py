"""Films as streams would have made them, by the rule in plain Python, without Kafka and Spark."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sf_police.calls import QUESTION
from sf_police.film.frames import Film, Filmed, frames_of
from sf_police.film.ways import WAYS, Way, placed
from sf_police.store.tables import Batch
from tests.support.builders import a_batch
from tests.support.late_rule import RuledBatch, ruled_batches
from tests.support.question import event_records, file_records

Call = dict[str, Any]
Times = dict[int, list[datetime]]


def times_of(calls: Sequence[Call], way: Way, partitions: int) -> Times:
    """The event times of each partition, in the order of offsets."""
    times: Times = defaultdict(list)
    records = (file_records if way.order == "file" else event_records)(calls)
    for record in placed(records, way, partitions=partitions):
        times[record.position % partitions].append(datetime.fromisoformat(record.time))
    return times


def a_film(calls: Sequence[Call], *, partitions: int, offsets: int) -> Film:
    ways = []
    for way in WAYS:
        times = times_of(calls, way, partitions)
        batches = [_batch(number, ruled) for number, ruled in enumerate(ruled_batches(times, offsets))]
        ways.append(Filmed(way, frames_of(batches, times)))
    return Film(QUESTION, ways, "generated calls", partitions, offsets, "10 minutes")


def _batch(number: int, ruled: RuledBatch) -> Batch:
    start, end = ({str(number): offset for number, offset in each.items()} for each in (ruled.start, ruled.end))
    read = sum(end.values()) - sum(start.values())
    batch = a_batch(number, read=read, late=ruled.late, watermark=ruled.watermark)
    return replace(batch, start_offsets=start, end_offsets=end)
