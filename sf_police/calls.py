"""Calls -> records: puts the calls into event-time order, and encodes them.

Knows nothing of files, Kafka or Spark.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from sf_police import schema

Call = dict[str, Any]


_CALL_DATE_TIME: Final = re.compile(schema.CALL_DATE_TIME_PATTERN)


class Record(NamedTuple):
    """A call as it goes into the topic."""

    position: int  # in the order of sending, from 0
    time: str  # of the event, or where it has no readable one, of the call before it; blank when there is none
    key: bytes | None
    value: bytes


def event_records(calls: Iterable[Call]) -> Iterator[Record]:
    """Encode the calls and put them into event-time order: calls of one minute in reversed file order.

    The file lists calls newest first. Replayed as it stands, the first micro-batch would carry the watermark past
    every later call, and Spark would drop them as late. A call without a readable time keeps its place after
    its predecessor.
    """
    entries = _entries(calls)
    entries.reverse()
    times = _carried_times(entries)
    for position, index in enumerate(sorted(range(len(entries)), key=times.__getitem__)):
        yield Record(position, times[index], *entries[index][1:])


def file_records(calls: Iterable[Call]) -> Iterator[Record]:
    """Encode the calls as the file has them, which is how lateness can be seen."""
    entries = _entries(calls)
    for position, (time, entry) in enumerate(zip(_carried_times(entries), entries, strict=True)):
        yield Record(position, time, *entry[1:])


def _entries(calls: Iterable[Call]) -> list[tuple[str | None, bytes | None, bytes]]:
    return [(readable_time(call), _key(call), encode(call)) for call in calls]


def _carried_times(entries: list[tuple[str | None, bytes | None, bytes]]) -> list[str]:
    time = ""
    return [time := own_time or time for own_time, _, _ in entries]


def readable_time(call: Call) -> str | None:
    """The call's event time as text that sorts by time, or None where it has none."""
    text = call.get(schema.CALL_DATE_TIME)
    if not isinstance(text, str) or not _CALL_DATE_TIME.fullmatch(text):
        return None
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return None
    return text


def encode(call: Call) -> bytes:
    """The call as compact JSON in UTF-8, its fields in file order."""
    try:
        return _ENCODE(call).encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair has no UTF-8: it stays the escape that it was.
        return json.dumps(call, separators=(",", ":")).encode()


_ENCODE: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def _key(call: Call) -> bytes | None:
    crime_id = call.get(schema.CRIME_ID)
    return crime_id.encode("utf-8", "replace") if isinstance(crime_id, str) else None
