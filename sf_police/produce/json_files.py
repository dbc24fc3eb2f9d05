"""File -> calls: a JSON array or one call a line, packed or not, in memory bounded by the longest call.

Two ways. The quick one takes whole chunks and knows only ordinary files; from where that ends, the careful one goes on
call by call, and says what is wrong and where.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import json
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Final, cast

import orjson

from sf_police.calls import schema
from sf_police.errors import SfPoliceError

Call = dict[str, Any]

STDIN: Final = "-"
_CHUNK_BYTES: Final = 1 << 18
_MOST_CALL_CHARACTERS: Final = 16 << 20
_WHITE_SPACE: Final = re.compile(r"[ \t\n\r]*")
# Values that orjson reads as Python's json does. A whole number of over 64 bits it would make a float.
_PLAIN_TYPES: Final = frozenset({str, int, bool, type(None)})


def read_calls(path: Path) -> Iterator[Call]:
    """The calls of a JSON array or of NDJSON, as the file has them; `.gz`, `.bz2` and `.xz` are unpacked.

    The path `-` is standard input.

    Raises:
        SfPoliceError: the file cannot be read, or is not calls; says where.
    """
    try:
        before = _state(path)
        with _open(path) as file:
            name = "standard input" if str(path) == STDIN else str(path)
            yield from _checked(_calls(file, name), name)
        if _state(path) != before:
            raise SfPoliceError(f"{name} changed while it was read: run it again when nothing writes to the file")
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise SfPoliceError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error


def _checked(calls: Iterator[Call], name: str) -> Iterator[Call]:
    # Any JSON lines would pass; a file of something else shows in its first object.
    for number, call in enumerate(calls):
        if number == 0 and not any(field in call for field in schema.REQUIRED_FIELDS):
            fields = ", ".join(schema.REQUIRED_FIELDS)
            raise SfPoliceError(f"{name} holds no calls: its first object has none of the fields {fields}")
        yield call


def _state(path: Path) -> tuple[int, int, int] | None:
    # What changes when an ordinary file is written to, or replaced; None for a pipe.
    if str(path) == STDIN or not path.is_file():
        return None
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _open(path: Path) -> IO[bytes]:
    if str(path) == STDIN:
        return open(0, "rb", closefd=False)
    match path.suffix:
        case ".gz":
            return cast("IO[bytes]", gzip.open(path, "rb"))
        case ".bz2":
            return cast("IO[bytes]", bz2.open(path, "rb"))
        case ".xz":
            return cast("IO[bytes]", lzma.open(path, "rb"))
        case _:
            return path.open("rb")


def _calls(file: IO[bytes], name: str) -> Iterator[Call]:
    chunks = _QuickReader(file)
    yield from chunks.calls()
    careful = _CarefulReader(file, name, chunks.rest, chunks.bytes_before)
    if not chunks.bytes_before:
        yield from careful.calls()
    else:
        yield from careful.rest_of_array() if chunks.is_in_array else careful.rest_of_lines()


class _QuickReader:
    """Takes many calls at a time, as long as each is an object of plain values; then `rest` is what is not taken."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.rest = b""
        self.bytes_before = 0  # of the unpacked file, before `rest`
        self.is_in_array = False  # `rest` starts after a comma of the array

    def calls(self) -> Iterator[Call]:
        """Calls, until something is out of the ordinary, or few are left."""
        self.rest = self._file.read(_CHUNK_BYTES)
        start = len(self.rest) - len(self.rest.removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n"))
        is_array = self.rest[start : start + 1] == b"["
        take = self._elements if is_array else self._lines
        at = start + is_array
        while taken := take(at):
            calls, end = taken
            self.rest, self.bytes_before = self.rest[end:], self.bytes_before + end
            self.is_in_array, at = is_array, 0
            yield from calls
            more = self._file.read(_CHUNK_BYTES)
            if not more:
                return
            self.rest += more

    def _elements(self, start: int) -> tuple[list[Call], int] | None:
        # Were the last `},` inside of a call or of a text, what is before it would not be JSON.
        end = self.rest.rfind(b"},") + 1
        return self._plain(b"[%b]" % self.rest[start:end], end + 1) if end > start else None

    def _lines(self, start: int) -> tuple[list[Call], int] | None:
        end = self.rest.rfind(b"\n") + 1
        lines = self.rest[start:end].splitlines()
        # The line feeds stay: inside of a text they are no JSON.
        taken = self._plain(b"[%b]" % b",\n".join(lines), end)
        return taken if taken and len(taken[0]) == len(lines) else None

    @staticmethod
    def _plain(text: bytes, end: int) -> tuple[list[Call], int] | None:
        try:
            calls = orjson.loads(text)
        except orjson.JSONDecodeError:
            return None
        if calls and all(type(call) is dict and _PLAIN_TYPES.issuperset(map(type, call.values())) for call in calls):
            return calls, end
        return None


class _CarefulReader:
    """Takes one call after the other, in memory bounded by the longest call."""

    def __init__(self, file: IO[bytes], name: str, head: bytes, bytes_before: int) -> None:
        self._file, self._name, self._head = file, name, head
        self._decode: Callable[..., str] = codecs.getincrementaldecoder(
            "utf-8" if bytes_before else "utf-8-sig"
        )().decode
        self._scan = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode
        self._text, self._at = "", 0
        self._bytes_before = bytes_before  # of the unpacked file, before self._text
        self._bytes_read = bytes_before
        self._is_at_end = False

    def calls(self) -> Iterator[Call]:
        """Every call of the file."""
        first = self._peek()
        if first == "":
            raise SfPoliceError(f"{self._name} is empty: it should hold calls, as a JSON array or one a line")
        yield from self._array() if first == "[" else self.rest_of_lines()

    def _array(self) -> Iterator[Call]:
        self._at += 1
        if self._peek() == "]":
            raise SfPoliceError(f"{self._name} is an empty array: there is nothing to send")
        yield from self.rest_of_array()

    def rest_of_array(self) -> Iterator[Call]:
        """Every call of an array, from a call on."""
        mark = ","
        while mark == ",":
            yield self._call()
            mark = self._peek()
            self._at += 1
        if mark != "]":
            raise self._broken("cut short: the array does not end" if mark == "" else "neither a comma nor `]`", -1)
        if self._peek() != "":
            raise self._broken("something follows the array")

    def rest_of_lines(self) -> Iterator[Call]:
        """Every call, one after the other."""
        while self._peek() != "":
            yield self._call()

    def _call(self) -> Call:
        if self._peek() != "{":
            raise self._broken("cut short: a call should follow" if self._peek() == "" else "not a call: no `{`")
        while True:
            try:
                call, self._at = self._scan(self._text, self._at)
            except json.JSONDecodeError as error:
                # Perhaps only the chunk ends inside the call. Where the file does, it is cut short.
                if len(self._text) - self._at > _MOST_CALL_CHARACTERS:
                    raise self._broken(f"not JSON, or a call of over {_MOST_CALL_CHARACTERS:,} characters") from None
                is_cut = error.pos >= len(self._text) or error.msg.startswith("Unterminated string")
                what, where = ("cut short inside a call", len(self._text)) if is_cut else (error.msg, error.pos)
                where -= self._at
                if not self._more():
                    raise self._broken(what, where) from None
            except (RecursionError, ValueError) as error:
                raise self._broken(str(error)) from None
            else:
                return call  # type: ignore[no-any-return]

    def _peek(self) -> str:
        # The next character that is not white space; empty at the end of the file.
        while True:
            match = _WHITE_SPACE.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def _more(self) -> bool:
        # Reads at least as much as is left unread, so that a long call is not scanned once a chunk.
        if self._is_at_end:
            return False
        chunk, self._head = self._head or self._file.read(max(_CHUNK_BYTES, len(self._text) - self._at)), b""
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


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
