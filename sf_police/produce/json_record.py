"""A record as JSON: what a file's reader gives, and its bytes on the way to the topic."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

_MOST_DIGITS: Final = 4_000  # Python parses hardly more
_MINUS_ZERO: Final = re.compile(rb":[ \t\n\r]*-0")


class Number(float):
    """A number that Python would write otherwise (with a point, an exponent, or -0), and the text it was written as."""

    __slots__ = ("text",)

    def __new__(cls, text: str) -> Number:
        """Parse the text."""
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str


class Repeated(Mapping[str, Any]):
    """An object with a name that occurs twice, and all of its members; as a mapping it has the last one of that name.

    No dict, as orjson would take that for its own.
    """

    __slots__ = ("_last", "members")

    def __init__(self, members: list[tuple[str, Any]]) -> None:
        self.members, self._last = members, dict(members)

    def __getitem__(self, name: str) -> Any:
        """Return the last value of that name."""
        return self._last[name]

    def __iter__(self) -> Iterator[str]:
        """Yield each name once."""
        return iter(self._last)

    def __len__(self) -> int:
        """Return the number of names."""
        return len(self._last)

    def __repr__(self) -> str:
        """Return what a dict would."""
        return repr(self._last)


JsonRecord = dict[str, Any] | Repeated


def record_of(members: list[tuple[str, Any]]) -> JsonRecord:
    """Return an object of these members."""
    record = dict(members)
    return record if len(record) == len(members) else Repeated(members)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _integer(text: str) -> int | Number:
    return Number(text) if text == "-0" or len(text) > _MOST_DIGITS else int(text)


DECODER: Final = json.JSONDecoder(
    parse_constant=_refuse_constant, parse_float=Number, parse_int=_integer, object_pairs_hook=record_of
)


def is_exact(text: bytes, *, members: int, strings: int) -> bool:
    """Return whether orjson's records are all that is written in their text, by counts that take hardly any time.

    Of a name that is in a record twice orjson gives the last value only: then there are more quotes than those of the
    records' names and strings. And it reads -0 as 0. False may be a false alarm.

    Args:
        text: an array of objects whose values are no objects or arrays.
        members: of all objects, as orjson gives them.
        strings: values among them.
    """
    quotes = text.count(b'"')
    if b"\\" in text:
        if b"\\\\" in text:  # a quote after it may be either
            return False
        quotes -= text.count(b'\\"')
    return quotes == 2 * (members + strings) and (strings == members or not _MINUS_ZERO.search(text))


def as_written(text: bytes) -> list[JsonRecord] | None:
    """Return the records as they are written, slowly; None if Python cannot."""
    try:
        return DECODER.decode(text.decode())  # type: ignore[no-any-return]
    except (ValueError, RecursionError):
        return None


def encode(record: JsonRecord) -> bytes:
    """Encode a record as compact JSON in UTF-8, with its members, their order and numbers' digits as in the file.

    A name that occurs twice still does: the stream rejects such a record, and says why.
    """
    try:
        # Copied, because orjson's result keeps its whole buffer, which makes the next allocations six times as slow.
        return b"%b" % orjson.dumps(record, default=_as_in_file)
    except orjson.JSONEncodeError:
        return _encoded_slowly(record)


def _encoded_slowly(value: Any) -> bytes:
    if isinstance(value, dict | Repeated):
        every = value.members if isinstance(value, Repeated) else value.items()
        return b"{%b}" % b",".join(b"%b:%b" % (_encoded(name), _encoded(member)) for name, member in every)
    if isinstance(value, list):
        return b"[%b]" % b",".join(map(_encoded, value))
    # A lone surrogate has no UTF-8 form, so it remains an escape.
    return _ENCODE(value).encode()


def _encoded(value: Any) -> bytes:
    try:
        return orjson.dumps(value, default=_as_in_file)
    except orjson.JSONEncodeError:
        try:
            return _encoded_slowly(value)
        except RecursionError:  # orjson supports less nesting, and so do we
            return _ENCODE(value).encode()


def _as_in_file(value: Any) -> orjson.Fragment:
    return orjson.Fragment(value.text if isinstance(value, Number) else _encoded_slowly(value))


_ENCODE: Final = json.JSONEncoder(separators=(",", ":"), default=dict).encode
