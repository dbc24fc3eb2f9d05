"""Where a file's records stand: their bytes, and their place in event-time order. Nothing is sent here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sf_police.produce.entries import Entry, event_entries, key_reader
from sf_police.produce.json_files import RecordReader, record_reader
from sf_police.produce.json_record import JsonRecord, encode
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


def locate_records(path: Path, question: Question, key: bytes | None) -> tuple[list[FileRecord], int]:
    """Find the records with a key, in the file's order; return them, and how many records there are in all.

    Reads the file once. Memory is bounded by the number of different event times.

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
        for entry in event_entries(_watched(reader, key_of, key, spans), question, encoded):
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


def _watched(
    reader: RecordReader,
    key_of: Callable[[JsonRecord], bytes | None],
    key: bytes | None,
    spans: dict[int, tuple[int, int]],
) -> Iterator[JsonRecord]:
    for number, record in enumerate(reader):
        if key_of(record) == key:
            spans[number] = reader.span()
        yield record
