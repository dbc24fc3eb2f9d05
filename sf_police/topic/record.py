"""A record, as it is sent and as the topic holds it. Imports no client library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Record(NamedTuple):
    """A record to send."""

    position: int  # in the order of sending, from 0
    time: str  # of the event, ISO 8601; blank when it has none
    key: bytes | None
    value: bytes


@dataclass(frozen=True)
class TopicRecord:
    """A record of the topic, with its place and its timestamp (milliseconds since 1970, UTC)."""

    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
