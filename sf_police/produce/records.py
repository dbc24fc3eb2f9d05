"""Entries -> records: a file's records in sending order, in memory or in sorted runs on disk. Nothing is sent here."""

from __future__ import annotations

import gc
import heapq
import pickle
import tempfile
from collections.abc import Collection, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import IO, Final

from sf_police.errors import SfPoliceError, folder_reason
from sf_police.produce import json_files
from sf_police.produce.entries import Entry, event_entries, file_entries
from sf_police.produce.json_record import JsonRecord
from sf_police.question import Question
from sf_police.topic.record import Record

# Bytes of keys and values held in memory; Python's own overhead comes to about as much again.
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
    """Keep the records in file order, which makes lateness visible."""
    return Records(file_entries(records, question), folder, is_sorted=True, most_bytes=most_bytes)


def read_in_order(
    path: Path, question: Question, *, order: str, folder: Path, shape: json_files.Shape | None = None
) -> Records:
    """Read a file's records, in the order of events or of the `file`. Raises SfPoliceError if it cannot be read."""
    arrange = file_records if order == "file" else event_records
    # Records hold no reference cycles; the garbage collector's scans would take a fifth of the time.
    gc.disable()
    try:
        found = json_files.read_records(path, required=question.required, shape=shape)
        return arrange(found, question, folder)
    finally:
        gc.freeze()
        gc.enable()


def read_to_send(
    path: Path, question: Question, *, order: str, folder: Path, shape: json_files.Shape | None = None
) -> Records:
    """Read a file's records as `read_in_order` does; its errors say that nothing was sent."""
    try:
        return read_in_order(path, question, order=order, folder=folder, shape=shape)
    except SfPoliceError as error:
        raise SfPoliceError(f"{error.what}; nothing was sent", remedy=error.remedy) from error


class Records:
    """Records in order, iterable any number of times. Memory is bounded: the excess goes to disk in sorted runs.

    Args:
        entries: of a file.
        folder: for the runs, unnamed files that vanish with the object; None: the system's temporary folder.
        is_sorted: the entries are already in sending order.
        most_bytes: of keys and values held in memory.

    Raises:
        SfPoliceError: a run cannot be written.
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
        """Return the records at these positions, by position; positions past the end are left out."""
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
            file = tempfile.TemporaryFile(dir=folder)  # stays open as long as this object exists
            self._runs.append(file)
            for start in range(0, len(self._in_memory), _ENTRIES_AT_A_TIME):
                pickle.dump([tuple(entry) for entry in self._in_memory[start : start + _ENTRIES_AT_A_TIME]], file)
            file.flush()
        except OSError as error:
            raise SfPoliceError(
                f"cannot sort the file in {folder or tempfile.gettempdir()}: {folder_reason(error)}"
            ) from error
        self._count += len(self._in_memory)
        self._in_memory = []


def _read_run(file: IO[bytes]) -> Iterator[Entry]:
    # Several iterations may read a run at the same time, so each keeps its own place.
    place = 0
    while True:
        file.seek(place)
        try:
            # Safe to unpickle: written by this process into an unnamed file.
            entries = pickle.load(file)  # noqa: S301
        except EOFError:
            return
        place = file.tell()
        yield from map(Entry._make, entries)
