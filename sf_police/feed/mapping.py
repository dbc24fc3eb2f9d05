"""A row of a city's feed -> a record of ours, or why it is none. No file, no network and no Kafka here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sf_police.errors import SfPoliceError
from sf_police.feed.feeds import Feed, feed_roles
from sf_police.question import Question

_TIME: Final = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})[T ](?P<minute>\d{2}:\d{2})(?P<second>:\d{2})?(?:\.(?P<fraction>\d+))?"
    r"(?P<offset> ?(?:Z|UTC|[+-]\d{2}(?::?\d{2})?))?",
    re.ASCII,
)
_MOST_SHOWN: Final = 60


class UnmappedRowError(ValueError):
    """A row that is no record of ours; the message says which column it is about."""


class RowMapping:
    """Turns the rows of a feed into records with all fields of the question, in its order, each a string.

    That is the form in which the stream's parser is fastest; a field that the feed does not have is blank.

    Args:
        feed: whose rows they are.
        question: whose records are made.

    Raises:
        SfPoliceError: the question takes no feed, or needs more than one has.
    """

    def __init__(self, feed: Feed, question: Question) -> None:
        roles = feed_roles(question)
        self.feed, self._question = feed, question
        self._type, self._resolution = roles["type"], roles["resolution"]
        filled = {question.id, question.time, *roles.values()}
        unfilled = [each.name for each in question.required if each.name not in filled]
        if unfilled:
            raise SfPoliceError(f"a feed of calls has nothing for {', '.join(unfilled)}", remedy="leave FEED out")
        self._blank = dict.fromkeys((each.name for each in question.fields), "")
        self._limits = [(each.name, each.max_bytes) for each in question.fields if each.max_bytes]
        self._time = lru_cache(maxsize=4096)(self._time_text)

    def record(self, row: Mapping[str, Any], *, undecided: str) -> dict[str, str]:
        """Return a row as a record.

        Args:
            row: by column; other columns than the feed's are ignored.
            undecided: the resolution of a row that has none.

        Raises:
            UnmappedRowError: the stream would reject it.
        """
        feed, question = self.feed, self._question
        record = dict(self._blank)
        for name in feed.also:
            record[name] = text_of(row, name)
        record[question.id] = _needed(text_of(row, feed.id), feed.id)
        record[self._type] = _needed(self._type_of(row), " or ".join(feed.type))
        record[question.time] = self._time(_needed(text_of(row, feed.time), feed.time))
        record[self._resolution] = text_of(row, feed.resolution) or undecided
        for name, most in self._limits:
            if len(record[name].encode("utf-8", "replace")) > most:
                raise UnmappedRowError(f"{name} would be longer than {most:,} bytes")
        return record

    def id_of(self, row: Mapping[str, Any]) -> str:
        """Return a row's id; blank if it has none."""
        return text_of(row, self.feed.id)

    def time_of(self, row: Mapping[str, Any]) -> str:
        """Return a row's event time in the question's form. Raises UnmappedRowError if it has none."""
        return self._time(_needed(text_of(row, self.feed.time), self.feed.time))

    def is_decided(self, row: Mapping[str, Any]) -> bool:
        """Whether it is known what became of the call."""
        return bool(text_of(row, self.feed.resolution))

    def _type_of(self, row: Mapping[str, Any]) -> str:
        return next((text for name in self.feed.type if (text := text_of(row, name))), "")

    def _time_text(self, text: str) -> str:
        found = _TIME.fullmatch(text)
        if not found:
            raise UnmappedRowError(f"{self.feed.time} is no time: {_shown(text)}")
        if found["offset"]:
            # It may be a true offset, or a wall clock to which a program has added a Z. Hours lie between the two.
            raise UnmappedRowError(f"{self.feed.time} has an offset ({_shown(text)}), not only the city's wall clock")
        try:
            datetime.fromisoformat(f"{found['date']}T{found['minute']}{found['second'] or ''}")
        except ValueError:
            raise UnmappedRowError(f"{self.feed.time} is no real time: {_shown(text)}") from None
        whole = f"{found['date']}T{found['minute']}{found['second'] or ':00'}.{found['fraction'] or ''}"
        form = self._question.time_form
        return whole.ljust(len(form), "0")[: len(form)]


def text_of(row: Mapping[str, Any], name: str) -> str:
    """Return a column's value as text, without the white space around it; blank for null, and where it is missing.

    Raises:
        UnmappedRowError: it is neither a string nor a number.
    """
    value = row.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UnmappedRowError(f"{name} is neither text nor a number")
    # A number keeps the digits it was written with.
    return value.strip() if isinstance(value, str) else str(getattr(value, "text", value))


def _needed(text: str, name: str) -> str:
    if not text:
        raise UnmappedRowError(f"it has no {name}")
    return text


def _shown(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text[:_MOST_SHOWN])
