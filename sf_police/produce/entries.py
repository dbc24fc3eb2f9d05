"""Calls -> entries: encodes a call, and says where it goes. Knows nothing of files, Kafka or Spark."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

import orjson

from sf_police.calls import schema

Call = dict[str, Any]

_CALL_DATE_TIME: Final = re.compile(schema.CALL_DATE_TIME_PATTERN)


class Entry(NamedTuple):
    """A call of a file, encoded; entries of a file sort into event-time order."""

    time: str  # of the event, or where it has no readable one, of the call before it; blank when there is none
    rank: int  # among calls of one time; the number of the call in the file, from 0, or less the number
    key: bytes | None
    value: bytes


def event_entries(calls: Iterable[Call]) -> Iterator[Entry]:
    """The calls of a file whose last is the first of its events: calls of one minute go in reversed file order.

    The file lists calls newest first. Replayed as it stands, the first micro-batch would carry the watermark past
    every later call, and Spark would drop them as late. A call without a readable time keeps its place after
    its predecessor, which comes after it in the file.
    """
    waiting: list[tuple[int, bytes | None, bytes]] = []
    for number, call in enumerate(calls):
        time = _time(call)
        if time is None:
            waiting.append((number, _key(call), encode(call)))
            continue
        for earlier, key, value in waiting:
            yield Entry(time, -earlier, key, value)
        waiting.clear()
        yield Entry(time, -number, _key(call), encode(call))
    for number, key, value in waiting:
        yield Entry("", -number, key, value)


def file_entries(calls: Iterable[Call]) -> Iterator[Entry]:
    """The calls as the file has them, which is how lateness can be seen."""
    time = ""
    for number, call in enumerate(calls):
        time = _time(call) or time
        yield Entry(time, number, _key(call), encode(call))


def _time(call: Call) -> str | None:
    text = call.get(schema.CALL_DATE_TIME)
    return _readable_time(text) if isinstance(text, str) else None


@lru_cache(maxsize=4096)
def _readable_time(text: str) -> str | None:
    # An event time as text that sorts by time.
    if not _CALL_DATE_TIME.fullmatch(text):
        return None
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return None
    return text


def encode(call: Call) -> bytes:
    """The call as compact JSON in UTF-8, its fields in file order."""
    if _PLAIN_TYPES.issuperset(map(type, call.values())):
        try:
            # A copy: what orjson gives keeps its whole buffer, and makes the next allocations six times as slow.
            return b"%b" % orjson.dumps(call)
        except orjson.JSONEncodeError:
            pass
    try:
        return _ENCODE(call).encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair has no UTF-8: it stays the escape that it was.
        return json.dumps(call, separators=(",", ":")).encode()


_ENCODE: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
# What orjson writes as Python's json does; floats it writes otherwise.
_PLAIN_TYPES: Final = frozenset({str, int, bool, type(None)})


def _key(call: Call) -> bytes | None:
    crime_id = call.get(schema.CRIME_ID)
    return crime_id.encode("utf-8", "replace") if isinstance(crime_id, str) else None
