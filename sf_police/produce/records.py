"""Entries -> records: those of a file in the order of sending, in memory, or in sorted runs on disk."""

from __future__ import annotations

import heapq
import pickle
import tempfile
from collections.abc import Collection, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import IO, Final

from sf_police.errors import SfPoliceError
from sf_police.produce.entries import Entry, event_entries, file_entries
from sf_police.produce.json_record import JsonRecord
from sf_police.question import Question
from sf_police.topic.record import Record

# Of keys and values, in memory; what Python needs to hold them comes to about as much again.
_MOST_BYTES: Final = 192 << 20
_ENTRIES_AT_A_TIME: Final = 1000


def event_records(
    records: Iterable[JsonRecord], question: Question, folder: Path | None = None, *, most_bytes: int = _MOST_BYTES
) -> Records:
    """Put the records into event-time order; see `event_entries`."""
    return Records(event_entries(records, question), folder, is_sorted=False, most_bytes=most_bytes)


def file_records(
    records: Iterable[JsonRecord], question: Question, folder: Path | None = None, *, most_bytes: int = _MOST_BYTES
) -> Records:
    """Leave the records in file order, which is how lateness can be seen."""
    return Records(file_entries(records, question), folder, is_sorted=True, most_bytes=most_bytes)


class Records:
    """Records in order, as often as one goes over them. Memory is bounded: what is over it is put on disk, sorted.

    Args:
        entries: of a file.
        folder: for the runs on disk, which have no name there and go with the object; None: the system's own.
        is_sorted: the entries come in the order of sending.
        most_bytes: of keys and values in memory.

    Raises:
        SfPoliceError: no space for a run.
    """

    def __init__(self, entries: Iterable[Entry], folder: Path | None, *, is_sorted: bool, most_bytes: int) -> None:
        self._is_sorted = is_sorted
        self._runs: list[IO[bytes]] = []
        self._in_memory: list[Entry] = []
        self._count = 0
        self.longest: Entry | None = None
        self.longest_bytes = 0
        held = 0
        for entry in entries:
            size = len(entry.value) + len(entry.key or b"")
            if size > self.longest_bytes:
                self.longest, self.longest_bytes = entry, size
            held += size
            self._in_memory.append(entry)
            if held > most_bytes:
                self._write_run(folder)
                held = 0
        self._sort()
        self._count += len(self._in_memory)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Record]:
        runs = [_read_run(file) for file in self._runs]
        join = heapq.merge if runs and not self._is_sorted else chain
        for position, (time, _, _, key, value) in enumerate(join(*runs, self._in_memory)):
            yield Record(position, time, key, value)

    def at(self, positions: Collection[int]) -> dict[int, Record]:
        """The records at these positions, as far as there are such."""
        wanted = {position for position in positions if position < self._count}
        found = (record for record in self if record.position in wanted)
        return {record.position: record for record in islice(found, len(wanted))}

    def _sort(self) -> None:
        if not self._is_sorted:
            self._in_memory.sort()

    def _write_run(self, folder: Path | None) -> None:
        self._sort()
        try:
            if folder:
                folder.mkdir(parents=True, exist_ok=True)
            file = tempfile.TemporaryFile(dir=folder)  # open as long as the object is
            self._runs.append(file)
            for start in range(0, len(self._in_memory), _ENTRIES_AT_A_TIME):
                pickle.dump([tuple(entry) for entry in self._in_memory[start : start + _ENTRIES_AT_A_TIME]], file)
            file.flush()
        except OSError as error:
            raise SfPoliceError(
                f"cannot sort the file in {folder or tempfile.gettempdir()}: {error.strerror}"
            ) from error
        self._count += len(self._in_memory)
        self._in_memory = []


def _read_run(file: IO[bytes]) -> Iterator[Entry]:
    # A run may be read by several at once, so each keeps its own place.
    place = 0
    while True:
        file.seek(place)
        try:
            # Written by this process into a file that has no name.
            entries = pickle.load(file)  # noqa: S301
        except EOFError:
            return
        place = file.tell()
        yield from map(Entry._make, entries)
