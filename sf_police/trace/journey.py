"""What is known of a record, stage by stage, and what became of it. Reads nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sf_police.produce.locating import FileRecord
from sf_police.store.tables import Batch
from sf_police.topic.record import TopicRecord


class Outcome(StrEnum):
    """What became of a record."""

    COUNTED = "counted"
    ONE_OF = "one of several in a micro-batch, of which one was counted"
    DUPLICATE = "duplicate"
    LATE = "late"
    REJECTED = "rejected"
    NOT_SENT = "not in the topic"
    NOT_READ = "not read yet"
    BEFORE_START = "before the stream's start"
    NO_LONGER_KEPT = "in a micro-batch that is no longer kept"
    UNKNOWN = "unknown"
    NO_STORE = "no store"


@dataclass(frozen=True)
class InFile:
    """Where the record stands in the file.

    Args:
        path: the file.
        records: how many it has.
        record: the one.
        is_sent_from_there: whether the topic's record has the position at which this one is sent.
        is_same: whether the topic's record has the same bytes; None: it is not in the topic.
    """

    path: str
    records: int
    record: FileRecord
    is_sent_from_there: bool = False
    is_same: bool | None = None


@dataclass(frozen=True)
class InTopic:
    """Where the record stands in the topic; its `position` is that among the file's records, were it sent from one."""

    name: str
    record: TopicRecord
    position: int


@dataclass(frozen=True)
class InStore:
    """What it was added to.

    Args:
        window_start: of its window.
        window_end: likewise.
        groups: the values it is counted under; None: its question does not say.
        row: of `counts`, with these values; None: there is none, or its question does not say.
        window_total: how many records the window has.
    """

    window_start: datetime
    window_end: datetime
    groups: tuple[Any, ...] | None
    row: Mapping[str, Any] | None
    window_total: int


@dataclass(frozen=True)
class Fate:
    """What became of it.

    Args:
        outcome: in a word.
        reason: why it was rejected.
        late_by: how far it trailed the watermark, at least zero.
        alike: how many records with this id and time could have been counted, this one with them.
        counted: partition and offset of the one that was, where another one was.
    """

    outcome: Outcome
    reason: str = ""
    late_by: timedelta | None = None
    alike: int = 1
    counted: tuple[int, int] | None = None


@dataclass(frozen=True)
class Journey:
    """A record, as far as it got; what is None was not reached, or is not known."""

    fate: Fate
    in_file: InFile | None = None
    in_topic: InTopic | None = None
    batch: Batch | None = None
    fields: Mapping[str, Any] | None = None  # the required ones, as the stream has parsed them
    event_time: datetime | None = None
    in_store: InStore | None = None
    has_file: bool = True  # whether there was a file to look into


@dataclass(frozen=True)
class Found:
    """All journeys, in the order of the topic, then those that are only in the file; and where was looked."""

    journeys: tuple[Journey, ...]
    looked: tuple[str, ...]
