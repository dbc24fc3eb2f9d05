"""Where a file's records stand: their bytes, and their place in event-time order. Nothing is sent here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sf_police.produce.entries import Entry, event_entries, key_reader
from sf_police.produce.json_files import RecordReader, Shape, record_reader
from sf_police.produce.json_record import JsonRecord, encode
from sf_police.produce.packed_files import file_name
from sf_police.question import Question


@dataclass(frozen=True)
class FileRecord:
    """A record of a file.

    Args:
        number: in the file, from 0.
        start: its first byte in the unpacked file.
        end: the byte after its last one.
        place: in the order of events, from 0.
        key: as it is sent.
        value: as it is sent.
    """

    number: int
    start: int
    end: int
    place: int
    key: bytes | None
    value: bytes


def locate_records(
    path: Path, question: Question, key: bytes | None, *, shape: Shape | None = None
) -> tuple[list[FileRecord], int]:
    """Find the records with a key, in the file's order; return them, and how many records there are in all.

    Reads the file once. Memory is bounded by the number of different event times. `shape`: see `read_records`.

    Raises:
        SfPoliceError: the file cannot be read, or does not hold records.
    """
    spans: dict[int, tuple[int, int]] = {}
    found: list[tuple[Entry, int]] = []
    of_time: Counter[str] = Counter()
    key_of = key_reader(question)

    def encoded(record: JsonRecord) -> bytes:
        return encode(record) if key_of(record) == key else b""  # all of a large file would take as long as to read it

    with record_reader(path) as reader:
        records = _Spanned(reader)
        shaped = shape(iter(records), file_name(path)) if shape else iter(records)
        watched = _watched(shaped, records, lambda each: key_of(each) == key, spans)
        for entry in event_entries(watched, question, encoded):
            if entry.number in spans:
                found.append((entry, of_time[entry.time]))
            of_time[entry.time] += 1
    # Entries come by their numbers; those of the same time go by them, too, or the other way round.
    is_newest_first = question.file_order == "newest first"

    def place(entry: Entry, before: int) -> int:
        among = of_time[entry.time] - 1 - before if is_newest_first else before
        return sum(number for time, number in of_time.items() if time < entry.time) + among

    located = [
        FileRecord(entry.number, *spans[entry.number], place(entry, before), entry.key, entry.value)
        for entry, before in found
    ]
    return located, of_time.total()


class _Spanned:
    """The records of a reader, with the bytes of each, also where a shape looks at some before it yields the first."""

    def __init__(self, reader: RecordReader) -> None:
        self._reader, self._taken = reader, 0
        self._ahead: dict[int, tuple[int, int]] = {}

    def __iter__(self) -> Iterator[JsonRecord]:
        for number, record in enumerate(self._reader):
            yield record
            if number >= self._taken:  # the reader goes on, and the record is still to come
                self._ahead[number] = self._reader.span()

    def take(self, number: int, *, is_wanted: bool) -> tuple[int, int] | None:
        """Note that a record has come out of the shape; return its bytes if they are wanted."""
        self._taken = number + 1
        ahead = self._ahead.pop(number, None)
        return (ahead or self._reader.span()) if is_wanted else None


def _watched(
    shaped: Iterator[JsonRecord],
    records: _Spanned,
    is_wanted: Callable[[JsonRecord], bool],
    spans: dict[int, tuple[int, int]],
) -> Iterator[JsonRecord]:
    for number, record in enumerate(shaped):
        span = records.take(number, is_wanted=is_wanted(record))
        if span:
            spans[number] = span
        yield record
