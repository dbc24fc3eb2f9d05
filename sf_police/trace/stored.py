"""A record of the topic -> what became of it, from the store's micro-batches, rejected records and counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sf_police.checks import duration_s
from sf_police.produce.json_record import DECODER, JsonRecord, Repeated
from sf_police.question import Question
from sf_police.store import places
from sf_police.store.answers import StoreReader
from sf_police.store.tables import Batch
from sf_police.topic.record import TopicRecord
from sf_police.trace.journey import Fate, InStore, Outcome

_EPOCH: Final = datetime(1970, 1, 1)


class Traced:
    """A record of the topic, with what the store says of it; `fields` are None where it was not accepted."""

    def __init__(self, store: StoreReader, topic: str, record: TopicRecord) -> None:
        question = store.database.question
        self.record = record
        self.batch = places.batch_at(store, record.partition, record.offset)
        self.reason = places.rejected_at(store, topic, record.partition, record.offset) if self.batch else None
        parsed = None if self.batch is None or self.reason is not None else parsed_record(record.value)
        is_whole = parsed is not None and all(field.name in parsed for field in question.required)
        self.fields = {field.name: parsed[field.name] for field in question.required} if parsed and is_whole else None
        self.event_time = time_of(self.fields[question.time]) if self.fields else None

    def late_by(self, question: Question) -> timedelta | None:
        """Return how far it trailed the watermark of its micro-batch; None if it was not late."""
        watermark = self.batch.watermark if self.batch and question.drops_duplicates else None
        if watermark is None or self.event_time is None or self.event_time > watermark:
            return None
        return watermark - self.event_time


def parsed_record(value: bytes | None) -> JsonRecord | None:
    """Return the object in a record, by plain Python's parser; None if there is none."""
    try:
        found = DECODER.decode((value or b"").decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict | Repeated) else None


def time_of(text: Any) -> datetime | None:
    """Return the wall clock of an event time; None if it is none."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except (TypeError, ValueError):
        return None


def fate_of(store: StoreReader, traced: Traced, all_of_id: Sequence[Traced]) -> Fate:
    """Return what became of a record.

    Args:
        store: the stream's.
        traced: the record.
        all_of_id: every record of the topic with its id, itself among them.
    """
    question, record, batch = store.database.question, traced.record, traced.batch
    if batch is None:
        return Fate(_unread(store, record))
    if traced.reason is not None:
        return Fate(Outcome.REJECTED, reason=traced.reason)
    if traced.event_time is None:
        return Fate(Outcome.UNKNOWN)
    late_by = traced.late_by(question)
    if late_by is not None:
        return Fate(Outcome.LATE, late_by=late_by)
    if not question.drops_duplicates:
        return Fate(Outcome.COUNTED)
    alike = [each for each in all_of_id if _is_alike(each, traced, question) and each.late_by(question) is None]
    return _fate_of_alike(batch, [(each.batch.batch_id, each.record) for each in alike if each.batch])


def _fate_of_alike(batch: Batch, alike: Sequence[tuple[int, TopicRecord]]) -> Fate:
    # The first micro-batch with such a record has counted one; which one, if it has several, Spark does not say.
    first = min(batch_id for batch_id, _ in alike)
    candidates = [record for batch_id, record in alike if batch_id == first]
    counted = (candidates[0].partition, candidates[0].offset) if len(candidates) == 1 else None
    if batch.batch_id > first:
        return Fate(Outcome.DUPLICATE, alike=len(alike), counted=counted)
    return Fate(Outcome.COUNTED if counted else Outcome.ONE_OF, alike=len(alike))


def _is_alike(one: Traced, other: Traced, question: Question) -> bool:
    if one.fields is None or other.fields is None or one.event_time is None:
        return False
    return (one.fields[question.id], one.event_time) == (other.fields[question.id], other.event_time)


def _unread(store: StoreReader, record: TopicRecord) -> Outcome:
    number = str(record.partition)
    last = next(iter(store.last_batches(1)), None)
    if last is None or record.offset >= last.end_offsets.get(number, 0):
        return Outcome.NOT_READ
    expired = places.expired_offsets(store)
    if expired and record.offset >= expired[0].get(number, 0):
        return Outcome.NO_LONGER_KEPT
    return Outcome.BEFORE_START


def in_store(store: StoreReader, traced: Traced, window: str) -> InStore | None:
    """Return the counts that an accepted record belongs to; None for any other.

    Args:
        store: the stream's.
        traced: the record.
        window: the length of a window, as the stream has it.
    """
    if traced.event_time is None or traced.fields is None:
        return None
    question = store.database.question
    length = timedelta(seconds=duration_s(window))
    start = traced.event_time - (traced.event_time - _EPOCH) % length
    groups = question.groups_of(traced.fields) if question.groups_of else None
    return InStore(
        window_start=start,
        window_end=start + length,
        groups=groups,
        row=places.count_of(store, start, groups) if groups is not None else None,
        window_total=places.window_total(store, start),
    )
