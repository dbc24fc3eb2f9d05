"""The quick reader of ordinary files: many records at a time, by orjson, while each is an object of plain values."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from itertools import chain
from typing import IO, Final

import orjson

from sf_police.produce.json_record import DECODER, JsonRecord, as_written, is_exact

CHUNK_BYTES: Final = 1 << 18
_BETWEEN: Final = re.compile(r"[ \t\n\r,]*")
# Values that orjson reads without loss. It would turn a whole number of more than 64 bits into a float, and a float
# loses the digits it was written with.
_PLAIN_TYPES: Final = frozenset({str, int, bool, type(None)})


class QuickReader:
    """Reads many records at a time while each is an object of plain values; `remaining` is what it leaves."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.remaining = b""
        self.bytes_before = 0  # of the decompressed file, before `remaining`
        self.is_in_array = False  # `remaining` starts after a comma of the array
        self._taken, self._taken_from, self._yielded = b"", 0, 0  # the records' text and place, and how many were

    def records(self) -> Iterator[JsonRecord]:
        """Yield records until something is out of the ordinary, or few are left."""
        self.remaining = self._file.read(CHUNK_BYTES)
        start = len(self.remaining) - len(self.remaining.removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n"))
        is_array = self.remaining[start : start + 1] == b"["
        take = self._elements if is_array else self._lines
        at = start + is_array
        while taken := take(at):
            records, end = taken
            self._taken, self._taken_from = self.remaining[at:end], self.bytes_before + at
            self.remaining, self.bytes_before = self.remaining[end:], self.bytes_before + end
            self.is_in_array, at = is_array, 0
            for self._yielded, record in enumerate(records, 1):  # what `span` is asked about
                yield record
            more = self._file.read(CHUNK_BYTES)
            if not more:
                return
            self.remaining += more

    def span(self) -> tuple[int, int]:
        """Return the bytes of the record that was yielded last; the second is exclusive."""
        text = self._taken.decode("latin-1")  # a character for each byte, and JSON's own are ASCII
        start = end = 0
        for _ in range(self._yielded):
            start = _BETWEEN.match(text, end).end()  # type: ignore[union-attr] # matches any text
            _, end = DECODER.raw_decode(text, start)
        return self._taken_from + start, self._taken_from + end

    def _elements(self, start: int) -> tuple[list[JsonRecord], int] | None:
        # If the last `},` were inside a record or a string, the text before it would not be valid JSON.
        end = self.remaining.rfind(b"},") + 1
        return self._plain(b"[%b]" % self.remaining[start:end], end + 1) if end > start else None

    def _lines(self, start: int) -> tuple[list[JsonRecord], int] | None:
        end = self.remaining.rfind(b"\n") + 1
        lines = self.remaining[start:end].splitlines()
        # Line feeds are kept: inside a string they are not valid JSON.
        taken = self._plain(b"[%b]" % b",\n".join(lines), end)
        return taken if taken and len(taken[0]) == len(lines) else None

    @staticmethod
    def _plain(text: bytes, end: int) -> tuple[list[JsonRecord], int] | None:
        try:
            records = orjson.loads(text)
        except orjson.JSONDecodeError:
            return None
        if set(map(type, records)) != {dict}:
            return None
        types = list(map(type, chain.from_iterable(map(dict.values, records))))
        strings = types.count(str)
        if strings < len(types) and not _PLAIN_TYPES.issuperset(types):
            return None
        if not is_exact(text, members=len(types), strings=strings):
            records = as_written(text)
        return (records, end) if records else None
