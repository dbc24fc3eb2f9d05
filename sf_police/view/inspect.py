"""Prints a topic: its partitions, their first and last records, and new ones as they arrive."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from sf_police.question import number_of
from sf_police.view import answer, records, tables

if TYPE_CHECKING:
    from sf_police.topic.admin import Topic
    from sf_police.topic.record import TopicRecord


def print_topic(
    topic: Topic,
    first: Callable[[dict[int, int]], Mapping[int, TopicRecord]],
    last: Callable[[dict[int, tuple[int, int]]], Mapping[int, TopicRecord | None]],
    *,
    is_pretty: bool,
) -> None:
    """Print the partitions, then the first and the last record of each.

    Args:
        topic: as it is now.
        first: returns the first records at or after offsets, by partition.
        last: returns the last records between two offsets, by partition; None where there is none.
        is_pretty: print each field of a record in a line of its own.
    """
    answer.print_table(f"{topic.name}: {number_of(topic.records, 'offsets')}", tables.topic_table(topic))
    filled = [partition for partition in topic.partitions if partition.records]
    for record in first({partition.number: partition.first_offset for partition in filled}).values():
        print(f"first record: {records.record_text(record, is_pretty=is_pretty)}")
    found = last({partition.number: (partition.first_offset, partition.next_offset) for partition in filled})
    for partition in filled:
        latest = found[partition.number]
        if latest:
            print(f"last record: {records.record_text(latest, is_pretty=is_pretty)}")
        gap = records.gap_text(partition, latest)
        if gap:
            print(gap)
    sys.stdout.flush()


def print_as_they_arrive(arriving: Iterable[TopicRecord], *, is_pretty: bool) -> None:
    """Print each record at once: in one line, on a terminal cut to its width, or readable."""
    for line in _lines(arriving, is_pretty=is_pretty):
        print(line, flush=True)


def _lines(arriving: Iterable[TopicRecord], *, is_pretty: bool) -> Iterator[str]:
    for record in arriving:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        yield records.record_text(record, is_pretty=True) if is_pretty else records.record_line(record, width=width)
