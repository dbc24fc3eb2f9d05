"""A file's records -> entries: each encoded, with its place in event-time order. No file access and no Kafka here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from sf_police.produce.json_record import JsonRecord, encode
from sf_police.question import Question


class Entry(NamedTuple):
    """A record of a file, encoded. Sorting a file's entries puts them into event-time order."""

    time: str  # event time; if unreadable, that of the event before it; blank if there is none
    tie_break: int  # among records of the same time
    number: int  # of the record in the file, from 0
    key: bytes | None
    value: bytes


def event_entries(
    records: Iterable[JsonRecord], question: Question, encode: Callable[[JsonRecord], bytes] = encode
) -> Iterator[Entry]:
    """Encode the records of a file for sorting by event time; those of the same time keep the order of events."""
    newest_first = question.file_order == "newest first"
    return _newest_first(records, question, encode) if newest_first else file_entries(records, question, encode)


def _newest_first(
    records: Iterable[JsonRecord], question: Question, encode: Callable[[JsonRecord], bytes]
) -> Iterator[Entry]:
    # Of records with the same time the oldest comes last, so the tie-break is negated. A record without a readable time
    # keeps its place after the event before it, which follows it in the file.
    time_of, key_of = _time_reader(question), key_reader(question)
    waiting: list[tuple[int, bytes | None, bytes]] = []
    for number, record in enumerate(records):
        time = time_of(record)
        if time is None:
            waiting.append((number, key_of(record), encode(record)))
            continue
        for earlier, key, value in waiting:
            yield Entry(time, -earlier, earlier, key, value)
        waiting.clear()
        yield Entry(time, -number, number, key_of(record), encode(record))
    for number, key, value in waiting:
        yield Entry("", -number, number, key, value)


def file_entries(
    records: Iterable[JsonRecord], question: Question, encode: Callable[[JsonRecord], bytes] = encode
) -> Iterator[Entry]:
    """Encode the records of a file in file order."""
    time_of, key_of = _time_reader(question), key_reader(question)
    time = ""
    for number, record in enumerate(records):
        time = time_of(record) or time
        yield Entry(time, number, number, key_of(record), encode(record))


def _time_reader(question: Question) -> Callable[[JsonRecord], str | None]:
    name, pattern = question.time, re.compile(question.time_pattern)

    @lru_cache(maxsize=4096)
    def readable(text: str) -> str | None:
        # Returns the event time as text that sorts by time.
        if not pattern.fullmatch(text):
            return None
        try:
            datetime.fromisoformat(text)
        except ValueError:
            return None
        return text

    def time_of(record: JsonRecord) -> str | None:
        text = record.get(name)
        return readable(text) if isinstance(text, str) else None

    return time_of


def key_reader(question: Question) -> Callable[[JsonRecord], bytes | None]:
    """Return a function that gives a record's key: its id, as text; None where that is neither text nor a number."""
    name = question.id

    def key_of(record: JsonRecord) -> bytes | None:
        found = record.get(name)
        if isinstance(found, int) and not isinstance(found, bool):
            return str(found).encode()
        return found.encode("utf-8", "replace") if isinstance(found, str) else None

    return key_of
