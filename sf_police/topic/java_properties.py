"""Java's properties format in full, as `java.util.Properties` reads it. Knows no key, opens no file."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Final

_WHITE: Final = " \t\f"
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_PAIR: Final = re.compile(rf"((?:\\.|[^\\=:{_WHITE}])*)[{_WHITE}]*[=:]?[{_WHITE}]*(.*)", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_CONTROL: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


def decode_properties(data: bytes) -> str:
    """Decode a file: as UTF-8, with or without its byte order mark, if it is valid UTF-8, else as Latin-1.

    Java's `Properties` reads Latin-1 and leaves the rest to escapes, but people write these files in UTF-8. Java's own
    resource bundles settle it the same way.
    """
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def parse_properties(text: str) -> dict[str, str]:
    """Parse keys and values; of a key that is there twice, the last one counts. Raises ValueError for a bad escape."""
    properties = {}
    for number, line in _logical_lines(text):
        match = _PAIR.fullmatch(line)
        if match:
            key, value = (_unescaped(part, number) for part in match.groups())
            properties[key] = value
    return properties


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    # A line that ends with an odd number of backslashes goes on in the next one, less its indent; a comment does not.
    natural = iter(enumerate(_LINE_END.split(text), start=1))
    for number, line in natural:
        logical = line.lstrip(_WHITE)
        if logical in ("", "\\") or logical[0] in "#!":
            continue
        while _is_continued(logical):
            _, following = next(natural, (0, ""))
            logical = logical[:-1] + following.lstrip(_WHITE)
        yield number, logical


def _is_continued(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _unescaped(text: str, number: int) -> str:
    def character(match: re.Match[str]) -> str:
        found = match[1]
        if found == "u":
            raise ValueError(f"line {number} has a \\u without four hexadecimal digits")
        return chr(int(found[1:], 16)) if len(found) > 1 else _CONTROL.get(found, found)

    plain = _ESCAPE.sub(character, text)
    try:
        # Java's characters are of 16 bits: two escapes may be the halves of one.
        return plain.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise ValueError(f"line {number} has one half of a \\u pair without the other") from None
