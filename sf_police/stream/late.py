"""Which records were late: read again from the topic, by the offsets and the watermarks of the micro-batches.

The store keeps only how many there were. Late is what Spark calls late: an accepted record whose event time is at or
before the watermark that its micro-batch had.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from sf_police.config import MAX_AHEAD, Config
from sf_police.errors import SfPoliceError
from sf_police.question import EVENT_TIME, REASON, Question
from sf_police.store.tables import Batch, Offsets
from sf_police.stream.pipeline import validated_records
from sf_police.stream.source import OFFSET, PARTITION, VALUE, kafka, kafka_span_options

# Underscores, as a field may have any other name. Times as microseconds since 1970: between Spark and Python, a
# timestamp would go through the machine's time zone.
SPAN_COLUMNS: Final = "_number int, _start long, _end long, _batch_id long, _watermark long"
_EVENT_TIME: Final = "_event_time"
_EPOCH: Final = datetime(1970, 1, 1)
_MICROSECOND: Final = timedelta(microseconds=1)
# Read at once. Each record is compared with the spans of its partition.
_BATCHES_AT_ONCE: Final = 100


@dataclass(frozen=True)
class LateRecord:
    """A record that was late, with its required fields."""

    partition: int
    offset: int
    event_time: datetime
    late_by: timedelta  # how far it trailed the watermark
    fields: Mapping[str, Any]
    value: bytes


@dataclass(frozen=True)
class LateBatch:
    """The late records of a micro-batch, by partition and offset, as far as the topic still has them."""

    batch: Batch
    records: Sequence[LateRecord]
    missing: int  # how many more were late, and are no longer in the topic


def read_late_batches(
    session: SparkSession, config: Config, question: Question, batches: Sequence[Batch], first: Offsets
) -> Iterator[LateBatch]:
    """Yield the late records of each batch, in the order of `batches`.

    Args:
        session: any.
        config: the settings of the stream.
        question: the stream's.
        batches: those with late records.
        first: the first offset that each of the topic's partitions still has.

    Raises:
        SfPoliceError: a batch's records are all there, but others of them were late than it says.
    """
    for at in range(0, len(batches), _BATCHES_AT_ONCE):
        some = batches[at : at + _BATCHES_AT_ONCE]
        partitions = sorted({p for each in some for p in each.end_offsets} & set(first))
        start = {p: max(first[p], min(each.start_offsets.get(p, first[p]) for each in some)) for p in partitions}
        end = {p: max(start[p], *(each.end_offsets.get(p, 0) for each in some)) for p in partitions}
        records = session.read.format("kafka").options(**kafka_span_options(config, start, end)).load()
        spans = session.createDataFrame([span for each in some for span in _spans(each)], SPAN_COLUMNS)
        found: dict[int, list[LateRecord]] = {batch.batch_id: [] for batch in some}
        for row in late_records(records, spans, question=question, max_ahead=config.max_ahead).collect():
            found[row["_batch_id"]].append(_late_record(row, question))
        for batch in some:
            there = found[batch.batch_id]
            yield _checked(LateBatch(batch, there, batch.late - len(there)), first)


def newest_records(found: Sequence[LateBatch], most: int | None) -> list[LateBatch]:
    """Return the latest batches, with no more than `most` records in all, the last ones; order is kept."""
    kept: list[LateBatch] = []
    left = most
    for each in reversed(found):
        records = each.records if left is None else each.records[max(0, len(each.records) - left) :]
        left = None if left is None else left - len(records)
        kept.append(replace(each, records=records))
    return kept[::-1]


def late_records(records: DataFrame, spans: DataFrame, *, question: Question, max_ahead: str = MAX_AHEAD) -> DataFrame:
    """Return the late records with the micro-batch and the watermark by which they were.

    Args:
        records: with the columns of Kafka's source.
        spans: partitions of micro-batches, as SPAN_COLUMNS has them; the end is exclusive.
        question: what is an accepted record.
        max_ahead: as the stream had it.
    """
    number, offset = F.col(kafka(PARTITION)), F.col(kafka(OFFSET))
    in_span = (number == F.col("_number")) & (offset >= F.col("_start")) & (offset < F.col("_end"))
    accepted = validated_records(records, question=question, max_ahead=max_ahead).filter(F.col(REASON).isNull())
    timed = accepted.withColumn(_EVENT_TIME, F.unix_micros(EVENT_TIME))
    late = timed.join(F.broadcast(spans), in_span & (F.col(_EVENT_TIME) <= F.col("_watermark")))
    fields = (field.name for field in question.required)
    return late.select("_batch_id", number, offset, _EVENT_TIME, "_watermark", *fields, kafka(VALUE)).orderBy(
        "_batch_id", number, offset
    )


def _spans(batch: Batch) -> list[tuple[int, int, int, int, int | None]]:
    watermark = None if batch.watermark is None else (batch.watermark - _EPOCH) // _MICROSECOND
    return [
        (int(partition), batch.start_offsets.get(partition, 0), end, batch.batch_id, watermark)
        for partition, end in batch.end_offsets.items()
    ]


def _late_record(row: Row, question: Question) -> LateRecord:
    return LateRecord(
        partition=row[kafka(PARTITION)],
        offset=row[kafka(OFFSET)],
        event_time=_EPOCH + row[_EVENT_TIME] * _MICROSECOND,
        late_by=(row["_watermark"] - row[_EVENT_TIME]) * _MICROSECOND,
        fields={field.name: row[field.name] for field in question.required},
        value=bytes(row[kafka(VALUE)]),
    )


def _checked(found: LateBatch, first: Offsets) -> LateBatch:
    batch = found.batch
    is_whole = all(first.get(partition, 0) <= offset for partition, offset in batch.start_offsets.items())
    if found.missing < 0 or (is_whole and found.missing):
        raise SfPoliceError(
            f"micro-batch {batch.batch_id} had {batch.late:,} late records, but {len(found.records):,} were found when "
            "it was read again",
            remedy="look with the topic and the version of this program that counted it",
        )
    return found
