"""File -> records: a JSON array or one record per line, compressed or not, in memory bounded by the longest record.

The quick reader parses whole chunks, but only of ordinary files. Where it stops, the careful reader takes over, record
by record, and reports what is wrong and where. What a record means is not checked here.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from sf_police.errors import SfPoliceError
from sf_police.produce.json_record import DECODER, JsonRecord
from sf_police.produce.packed_files import DAMAGED, STDIN, damage, file_name, open_records
from sf_police.produce.quick_json import CHUNK_BYTES, QuickReader
from sf_police.produce.required_fields import ensure_required
from sf_police.question import Field

Shape = Callable[[Iterator[JsonRecord], str], Iterator[JsonRecord]]

_MOST_RECORD_CHARACTERS: Final = 16 << 20
_WHITE_SPACE: Final = re.compile(r"[ \t\n\r]*")


def read_records(path: Path, *, required: Sequence[Field], shape: Shape | None = None) -> Iterator[JsonRecord]:
    """Yield the records of a JSON array or of NDJSON, in file order; gzip, bzip2, xz and zip are decompressed.

    Args:
        path: `-` for standard input.
        required: fields of a record; a file whose first objects lack one of them is refused.
        shape: given the records and the file's name, yields them as they are to be; None: they are.

    Raises:
        SfPoliceError: the file cannot be read, or does not hold such records; the message says where.
    """
    name = file_name(path)
    with record_reader(path) as records:
        yield from ensure_required(shape(iter(records), name) if shape else iter(records), name, required)


@contextmanager
def record_reader(path: Path) -> Iterator[RecordReader]:
    """Open a file to read its records, and say in one line what is wrong with it."""
    try:
        before = _state(path)
        name = file_name(path)
        with open_records(path) as file:
            yield RecordReader(file, name)
        if _state(path) != before:
            raise SfPoliceError(
                f"{name} changed while it was being read", remedy="run it again when nothing is writing to the file"
            )
    except (OSError, *DAMAGED) as error:
        raise SfPoliceError(f"cannot read {path}: {damage(error)}") from error


def _state(path: Path) -> tuple[int, int, int] | None:
    # Differs once a regular file is written to or replaced; None for a pipe.
    if str(path) == STDIN or not path.is_file():
        return None
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


class RecordReader:
    """Reads the records of an unpacked file, and knows where the last one that it has yielded stands."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file, self._name = file, name
        self._reader: QuickReader | _CarefulReader = QuickReader(file)

    def __iter__(self) -> Iterator[JsonRecord]:
        """Yield the records; once."""
        self._reader = chunks = QuickReader(self._file)
        yield from chunks.records()
        self._reader = careful = _CarefulReader(self._file, self._name, chunks.remaining, chunks.bytes_before)
        if not chunks.bytes_before:
            yield from careful.records()
        else:
            yield from careful.rest_of_array() if chunks.is_in_array else careful.rest_of_lines()

    def span(self) -> tuple[int, int]:
        """Return the bytes of the record that was yielded last, in the unpacked file; the second is exclusive."""
        return self._reader.span()


class _CarefulReader:
    """Reads one record at a time, in memory bounded by the longest record."""

    def __init__(self, file: IO[bytes], name: str, head: bytes, bytes_before: int) -> None:
        self._file, self._name, self._head = file, name, head
        self._decode: Callable[..., str] = codecs.getincrementaldecoder(
            "utf-8" if bytes_before else "utf-8-sig"
        )().decode
        self._scan = DECODER.raw_decode
        self._text, self._at, self._began = "", 0, 0
        self._bytes_before = bytes_before  # of the decompressed file, before self._text
        self._bytes_read = bytes_before
        self._is_at_end = False

    def records(self) -> Iterator[JsonRecord]:
        """Yield every record of the file."""
        first = self._peek()
        if first == "":
            raise SfPoliceError(f"{self._name} is empty: expected records, as a JSON array or one per line")
        yield from self._array() if first == "[" else self.rest_of_lines()

    def _array(self) -> Iterator[JsonRecord]:
        self._at += 1
        if self._peek() == "]":
            raise SfPoliceError(f"{self._name} is an empty array: expected at least one record")
        yield from self.rest_of_array()

    def rest_of_array(self) -> Iterator[JsonRecord]:
        """Yield the remaining records of an array; the text starts at a record."""
        mark = ","
        while mark == ",":
            yield self._record()
            mark = self._peek()
            self._at += 1
        if mark != "]":
            raise self._broken("cut short: the array does not end" if mark == "" else "expected a comma or `]`", -1)
        if self._peek() != "":
            raise self._broken("expected nothing after the array")

    def rest_of_lines(self) -> Iterator[JsonRecord]:
        """Yield the remaining records, one after the other."""
        while self._peek() != "":
            yield self._record()

    def _record(self) -> JsonRecord:
        if self._peek() != "{":
            is_at_end = self._peek() == ""
            raise self._broken("cut short: expected another record" if is_at_end else "not a record: expected `{`")
        while True:
            began = self._at
            try:
                record, self._at = self._scan(self._text, began)
            except json.JSONDecodeError as error:
                # Perhaps only the chunk ends inside the record; if the file does, the record is cut short.
                if len(self._text) - self._at > _MOST_RECORD_CHARACTERS:
                    raise self._broken(
                        f"not JSON, or a record of more than {_MOST_RECORD_CHARACTERS:,} characters"
                    ) from None
                is_cut = error.pos >= len(self._text) or error.msg.startswith("Unterminated string")
                what, where = (
                    ("cut short inside a record", len(self._text)) if is_cut else (_whole(error.msg), error.pos)
                )
                where -= self._at
                if not self._more():
                    raise self._broken(what, where) from None
            except (RecursionError, ValueError) as error:
                raise self._broken(str(error)) from None
            else:
                self._began = began
                return record  # type: ignore[no-any-return]

    def span(self) -> tuple[int, int]:
        """Return the bytes of the record that was yielded last; the second is exclusive."""
        start = self._bytes_before + len(self._text[: self._began].encode())
        return start, start + len(self._text[self._began : self._at].encode())

    def _peek(self) -> str:
        # Returns the next character that is not white space; empty at the end of the file.
        while True:
            match = _WHITE_SPACE.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def _more(self) -> bool:
        # Reads at least as much again as is still unparsed, so that a long record is not rescanned with every chunk.
        if self._is_at_end:
            return False
        chunk, self._head = self._head or self._file.read(max(CHUNK_BYTES, len(self._text) - self._at)), b""
        if self._bytes_read == 0 and chunk.startswith(codecs.BOM_UTF8):
            self._bytes_before = len(codecs.BOM_UTF8)
        self._bytes_read += len(chunk)
        self._is_at_end = not chunk
        try:
            text = self._decode(chunk, final=self._is_at_end)
        except UnicodeDecodeError as error:
            at = self._bytes_read - len(error.object) + error.start
            raise SfPoliceError(f"{self._name} at byte {at:,}: not UTF-8 ({error.reason})") from None
        self._bytes_before += len(self._text[: self._at].encode())
        self._text, self._at = self._text[self._at :] + text, 0
        return not self._is_at_end

    def _broken(self, what: str, characters_on: int = 0) -> SfPoliceError:
        at = self._bytes_before + len(self._text[: self._at + characters_on].encode())
        return SfPoliceError(f"{self._name} at byte {at:,}: {what}")


def _whole(message: str) -> str:
    # Python would go on with the place, which we give ourselves.
    return message.rstrip(": ").removesuffix(" at")
