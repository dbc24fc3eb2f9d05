"""A record as JSON: what a file's reader gives, and its bytes on the way to the topic."""

from __future__ import annotations

import json
from typing import Any, Final

import orjson

JsonRecord = dict[str, Any]


class Number(float):
    """A number with a point or an exponent, and the text it was written as."""

    __slots__ = ("text",)

    def __new__(cls, text: str) -> Number:
        """Parse the text."""
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str


def encode(record: JsonRecord) -> bytes:
    """Encode a record as compact JSON in UTF-8, with the order of fields and the digits of numbers as in the file."""
    try:
        # Copied, because orjson's result keeps its whole buffer, which makes the next allocations six times as slow.
        return b"%b" % orjson.dumps(record, default=_as_in_file)
    except orjson.JSONEncodeError:
        members = (b"%b:%b" % (_encoded(name), _encoded(value)) for name, value in record.items())
        return b"{%b}" % b",".join(members)


def _encoded(value: Any) -> bytes:
    try:
        return orjson.dumps(value, default=_as_in_file)
    except orjson.JSONEncodeError:
        # A lone surrogate has no UTF-8 form, so it remains an escape. Also, orjson supports less nesting.
        return _ENCODE(value).encode()


def _as_in_file(number: Number) -> orjson.Fragment:
    return orjson.Fragment(number.text)


_ENCODE: Final = json.JSONEncoder(separators=(",", ":")).encode
