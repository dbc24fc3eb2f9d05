"""The cities' feeds of calls that are known, as a table (`feeds.json`): where each is, and what its columns mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from sf_police.errors import SfPoliceError, UsageError
from sf_police.question import Question

LIVE: Final = "sf-live"
CLOSED: Final = "sf-closed"
# A file of the question's own field names, for its numbers, nulls and forms of times.
OWN: Final = "own"


@dataclass(frozen=True, kw_only=True)
class Feed:
    """A data set of calls, served by Socrata's API.

    Args:
        name: what FEED calls it.
        city: whose calls they are.
        host: where it is served.
        dataset: its id there.
        id: the column that tells calls apart.
        type: columns with the type of a call; the first that is not blank counts.
        time: the column with the event time: the city's wall clock, without offset.
        resolution: the column with what became of the call; null while it is open.
        also: columns that have the name of a field of ours, and mean the same.
    """

    name: str
    city: str
    host: str
    dataset: str
    id: str
    type: tuple[str, ...]
    time: str
    resolution: str
    also: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read, once each."""
        return tuple(dict.fromkeys((self.id, *self.type, self.time, self.resolution, *self.also)))


@cache
def known_feeds() -> Mapping[str, Feed]:
    """Return the feeds of the table, by name."""
    table = json.loads((files(__package__) / "feeds.json").read_text("utf-8"))
    return {name: _feed(name, row) for name, row in table["feeds"].items()}


def feed_named(name: str) -> Feed:
    """Return the feed of that name. Raises UsageError for an unknown one."""
    if name not in known_feeds():
        raise UsageError(f"FEED={name}: expected one of {', '.join(known_feeds())}")
    return known_feeds()[name]


def own_shape(question: Question) -> Feed:
    """Return the question's own names as a feed of files: it is served nowhere."""
    roles = feed_roles(question)
    others = [each.name for each in question.fields if not each.is_required]
    return Feed(
        name=OWN, city="", host="", dataset="", id=question.id, type=(roles["type"],), time=question.time,
        resolution=roles["resolution"], also=tuple(others),
    )  # fmt: skip


def feed_roles(question: Question) -> Mapping[str, str]:
    """Return which fields a feed fills. Raises SfPoliceError if the question takes no feed."""
    if not question.feed:
        raise SfPoliceError(
            f"the question {question.name} takes no feed of calls",
            remedy="leave FEED out; `fetch` and `follow` are for questions of calls",
        )
    return question.feed


def _feed(name: str, row: Mapping[str, Any]) -> Feed:
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in row.items() if key != "what"
    }
    return Feed(name=name, **values)
