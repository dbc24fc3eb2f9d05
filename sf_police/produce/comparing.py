"""A file's records against the topic's, each at its position, to the byte. Sends nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any

from sf_police.produce.records import Records
from sf_police.question import number_of
from sf_police.store.comparison import Comparison
from sf_police.topic.record import Record, TopicRecord

Spans = Mapping[int, tuple[int, int]]
Scan = Callable[[Spans], Iterable[TopicRecord]]


def compare_file(records: Records, spans: Spans, scan: Scan) -> Comparison:
    """Compare a file with a topic: position p of the file's order is offset p // N of partition p % N.

    Each side is read once, and only digests are kept; what differs is read again.

    Args:
        records: of the file, in the order in which they are sent.
        spans: the topic's first and next offsets, by partition.
        scan: reads spans of the topic, each partition's in the order of offsets.
    """
    count = len(spans)
    digests = {number: (hashlib.sha256(), hashlib.sha256()) for number in spans}
    for record in records:
        number, offset = record.position % count, record.position // count
        if offset >= spans[number][0]:
            _add(digests[number][0], offset, record.key, record.value)
    for found in scan(spans):
        _add(digests[found.partition][1], found.offset, found.key, found.value)
    lost = sum(first for first, _ in spans.values())
    said = f"{number_of(len(records), 'records')}, each at its position, key and value to the byte"
    if lost:
        said += f"; {lost:,} of them are no longer in the topic"
    differing = [number for number, (one, other) in digests.items() if one.digest() != other.digest()]
    first = [_first_difference(records, number, spans, scan) for number in differing]
    return Comparison(said, min(first)[1] if first else None)


def _add(digest: Any, offset: int, key: bytes | None, value: bytes | None) -> None:
    sizes = "-" if key is None else len(key), "-" if value is None else len(value)
    digest.update(f"{offset} {sizes[0]} {sizes[1]} ".encode())
    digest.update(key or b"")
    digest.update(value or b"")


def _first_difference(records: Records, number: int, spans: Spans, scan: Scan) -> tuple[int, str]:
    count, first = len(spans), spans[number][0]
    own: Iterator[Record] = (
        each for each in records if each.position % count == number and each.position // count >= first
    )
    for there, found in zip_longest(own, scan({number: spans[number]})):
        offset = there.position // count if there else found.offset
        position = number + offset * count
        where = f"partition {number}, offset {offset:,} (position {position:,} of the file)"
        if there is None:
            more = f"the topic has {found.value!r:.200} (was more sent than this file?)"
            return position, f"{where}: the file has no more, {more}"
        if found is None or found.offset > offset:
            return position, f"{where}: the file has {there.value!r:.200}, the topic has no record there"
        if (there.key, there.value) != (found.key, found.value):
            return position, f"{where}: the file has {_differing(there, found)}"
    raise AssertionError(f"partition {number}: the digests differ, but no record does")


def _differing(there: Record, found: TopicRecord) -> str:
    if there.value == found.value:
        return f"the key {there.key!r:.100}, the topic {found.key!r:.100}"
    one, other = there.value, found.value or b""
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    start = max(0, at - 40)
    return f"{one[start : at + 40]!r} at byte {at:,} of the record, the topic {other[start : at + 40]!r}"
