"""Reads what a stream has done from its store and its topic, for the film."""

from __future__ import annotations

from datetime import datetime

from sf_police.errors import SfPoliceError
from sf_police.film.frames import Filmed, Times, frames_of
from sf_police.film.ways import Way
from sf_police.question import Question
from sf_police.store.answers import StoreReader
from sf_police.store.tables import Batch
from sf_police.topic.clients import KafkaAccess
from sf_police.topic.scanning import scan_records
from sf_police.trace.stored import parsed_record, time_of

_EVERY_BATCH = 10**9


def filmed(way: Way, store: StoreReader, access: KafkaAccess, topic: str) -> Filmed:
    """Return what a way came to.

    Args:
        way: by which the records were sent.
        store: of a stream that has counted all of them.
        access: the brokers.
        topic: its name.

    Raises:
        SfPoliceError: the store no longer has each micro-batch, or the brokers refused.
    """
    batches = store.last_batches(_EVERY_BATCH)[::-1]
    if not batches or batches[0].batch_id:
        raise SfPoliceError(
            "the first micro-batches are no longer kept one by one", remedy="leave out RETENTION for the film"
        )
    return Filmed(way, frames_of(batches, _times(store, batches, access, topic)))


def _times(store: StoreReader, batches: list[Batch], access: KafkaAccess, topic: str) -> Times:
    question, ends = store.database.question, {int(number): end for number, end in batches[-1].end_offsets.items()}
    times: dict[int, list[datetime | None]] = {number: [None] * end for number, end in ends.items()}
    rejected = {(row["partition"], row["offset"]) for row in store.rejected(sum(batch.rejected for batch in batches))}
    for record in scan_records(access, topic, {number: (0, end) for number, end in ends.items()}):
        if (record.partition, record.offset) not in rejected:
            times[record.partition][record.offset] = _event_time(record.value, question)
    return times


def _event_time(value: bytes | None, question: Question) -> datetime | None:
    found = parsed_record(value)
    return time_of(found[question.time]) if found else None
