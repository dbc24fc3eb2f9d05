"""Rows of a feed -> a file, packed with gzip, one record a line. A download that was killed goes on where it was.

Beside the file that is asked for lie, until it is whole, its part (`….part`: a gzip member for each page) and a journal
(`….part.json`: how many of the part's bytes count, and what comes next). Only what the journal says is there counts, so
a kill at any moment leaves neither a gap nor a row twice.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from sf_police.errors import SfPoliceError, folder_reason
from sf_police.feed.mapping import RowMapping, UnmappedRowError
from sf_police.feed.socrata import Dataset, Page, Row
from sf_police.produce.json_record import encode

# Faster than the default, and hardly larger.
_GZIP_LEVEL: Final = 4
_MADE_BY: Final = "sf-police fetch"


@dataclass
class Downloaded:
    """How far a download has got.

    Args:
        query: what is downloaded.
        bytes: of the part, that count.
        rows: that were received.
        left_out: rows that are no records, by the reason.
        following: the time from which the next page is asked for; None: all is there.
    """

    query: dict[str, str]
    bytes: int = 0
    rows: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    following: str | None = None

    @property
    def records(self) -> int:
        """Number of records in the file."""
        return self.rows - sum(self.left_out.values())


def download(
    dataset: Dataset, mapping: RowMapping, path: Path, *, start: str, end: str, undecided: str,
    on_rows: Callable[[int], None] = lambda _: None,
) -> Downloaded:  # fmt: skip
    """Download the rows from a time on and before another, or the rest of them, into a file that appears once whole.

    Args:
        dataset: what is asked.
        mapping: of its rows to records.
        path: of the file; what is there is replaced.
        start: a wall clock time, such as `2018-10-02T00:00:00.000`.
        end: likewise; rows of that time are not included.
        undecided: the resolution of calls without one.
        on_rows: is told how many rows there are so far.

    Raises:
        SfPoliceError: there are no rows, the server refuses, what lies beside the file is of another download, or
            it cannot be written.
    """
    query = {"host": dataset.host, "dataset": dataset.feed.dataset, "from": start, "to": end}
    try:
        with _Part(path, query) as part:
            on_rows(part.done.rows)
            if part.done.following is not None:
                for page in dataset.pages(part.done.following, end):
                    part.append(_records(page.rows, mapping, undecided, part.done.left_out), page)
                    on_rows(part.done.rows)
            if not part.done.records:
                part.discard()
                raise SfPoliceError(f"{dataset.host} has no calls in {dataset.feed.dataset} between {start} and {end}")
            part.finish()
            return part.done
    except OSError as error:
        raise SfPoliceError(f"cannot write {path}: {folder_reason(error)}") from error


def _records(
    rows: Iterable[Row], mapping: RowMapping, undecided: str, left_out: dict[str, int]
) -> list[Mapping[str, str]]:
    records: list[Mapping[str, str]] = []
    for row in rows:
        try:
            records.append(mapping.record(row, undecided=undecided))
        except UnmappedRowError as error:
            left_out[str(error)] = left_out.get(str(error), 0) + 1
    return records


class _Part:
    """The part of a file and its journal: opened where they are, or made.

    Args:
        path: of the file that is to be.
        query: what is downloaded.

    Raises:
        SfPoliceError: one of them is there that is not of this download.
    """

    def __init__(self, path: Path, query: dict[str, str]) -> None:
        self._path = path
        self._part, self._journal = path.with_name(f"{path.name}.part"), path.with_name(f"{path.name}.part.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        self.done = self._resumed(query)
        self._file = self._part.open("r+b" if self._part.exists() else "xb")
        if self._file.seek(0, os.SEEK_END) < self.done.bytes:
            self._file.close()
            raise self._foreign(f"is shorter than {self._journal.name} says")
        self._file.truncate(self.done.bytes)
        self._file.seek(self.done.bytes)

    def __enter__(self) -> _Part:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def append(self, records: Iterable[Mapping[str, str]], page: Page) -> None:
        """Add a page's records; they count once this returns."""
        lines = b"".join(encode(dict(record)) + b"\n" for record in records)
        self._file.write(gzip.compress(lines, _GZIP_LEVEL, mtime=0))
        self._file.flush()
        os.fsync(self._file.fileno())
        self.done.bytes, self.done.following = self._file.tell(), page.following
        self.done.rows += len(page.rows)
        self._note()

    def finish(self) -> None:
        """Let the file appear under its own name."""
        os.replace(self._part, self._path)
        self._journal.unlink()

    def discard(self) -> None:
        """Delete part and journal."""
        self._part.unlink()
        self._journal.unlink()

    def _resumed(self, query: dict[str, str]) -> Downloaded:
        try:
            found = json.loads(self._journal.read_bytes())
            if found.pop("made by") != _MADE_BY:
                raise ValueError
            done = Downloaded(**found)
        except FileNotFoundError:
            if self._part.exists():
                raise self._foreign("is there without its journal") from None
            done = Downloaded(query, following=query["from"])
        except (ValueError, TypeError, KeyError, AttributeError):
            raise SfPoliceError(
                f"{self._journal} is not the journal of a download", remedy="name another file with DATA"
            ) from None
        if done.query != query:
            theirs = ", ".join(str(value) for value in done.query.values())
            raise self._foreign(f"is of another download ({theirs})")
        if not self._part.exists():
            # Killed before the part was made, or after it had become the file.
            done = Downloaded(query, following=query["from"])
        self.done = done
        self._note()
        return done

    def _foreign(self, what: str) -> SfPoliceError:
        return SfPoliceError(
            f"{self._part} {what}", remedy="name another file with DATA, or delete what begins with that name"
        )

    def _note(self) -> None:
        beside = self._journal.with_name(f"{self._journal.name}.new")
        with beside.open("w", encoding="utf-8") as file:
            json.dump({"made by": _MADE_BY, **asdict(self.done)}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, self._journal)
