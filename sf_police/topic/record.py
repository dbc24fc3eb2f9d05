"""A record to send, and a record in the topic. Imports no client library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Record(NamedTuple):
    """A record to send."""

    position: int  # in sending order, from 0
    time: str  # event time, ISO 8601; blank if it has none
    key: bytes | None
    value: bytes


@dataclass(frozen=True)
class TopicRecord:
    """A record in the topic, with its place and its Kafka timestamp (milliseconds since 1970, UTC)."""

    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
