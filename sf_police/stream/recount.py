"""The topic counted again by a batch job, through the stream's own functions, as its micro-batches were cut.

What the stream did step by step follows from the records and the micro-batches alone: late is a record at or before the
watermark of its micro-batch; of those with the same id and event time, one of the first micro-batch that has some is
counted. Which of these, Spark does not say: where their contents differ, any one is right.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from sf_police.config import MAX_AHEAD, Config
from sf_police.errors import SfPoliceError
from sf_police.question import EVENT_TIME, REASON, WINDOW_END, WINDOW_START, Question
from sf_police.store.tables import Batch
from sf_police.stream.pipeline import added_counts, validated_records
from sf_police.stream.source import OFFSET, PARTITION, kafka, kafka_span_options

# Underscores, as a field may have any other name. Times as microseconds since 1970, as in `late.py`.
_SPANS: Final = "_number int, _bucket long, _start long, _end long, _batch_id long, _watermark long"
_BATCH: Final = "_batch_id"
_IS_LATE: Final = "_is_late"
_VARIANTS: Final = "_variants"
_ROW: Final = "_row"
_EPOCH: Final = datetime(1970, 1, 1)
_SECOND_US: Final = 1_000_000
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True)
class BatchRecount:
    """What a micro-batch's records are, counted again; times in microseconds since 1970."""

    batch_id: int
    read: int
    rejected: int
    late: int
    counted: int
    latest_us: int | None  # event time of its accepted records


class Recount:
    """The records of some micro-batches, read and judged once, and kept by Spark: in memory, the excess on disk."""

    def __init__(self, session: SparkSession, config: Config, question: Question, batches: Sequence[Batch]) -> None:
        self._session, self._question, self._window = session, question, config.window
        start, end = batches[0].start_offsets, batches[-1].end_offsets
        options = kafka_span_options(config, {number: start.get(number, 0) for number in end}, end)
        records = session.read.format("kafka").options(**options).load()
        self._judged = judged_records(
            records, spans_of(session, batches), question=question, max_ahead=config.max_ahead
        ).persist()
        rows = accepted_rows_of_batches(self._judged, question=question)
        self.keys = counted_keys(rows, question=question).persist() if question.drops_duplicates else None
        self._rows = rows

    def batches(self) -> Iterator[BatchRecount]:
        """Yield each micro-batch that has records, by its id."""
        latest = F.max(F.when(F.col(REASON).isNull(), F.unix_micros(EVENT_TIME)))
        read = self._judged.groupBy(_BATCH).agg(
            F.count(F.lit(1)).alias("read"),
            F.count(REASON).alias("rejected"),
            F.count_if(_IS_LATE).alias("late"),
            latest.alias("latest_us"),
        )
        of_rows = self._rows if self.keys is None else self.keys
        counted = of_rows.groupBy(_BATCH).agg(F.count(F.lit(1)).alias("counted"))
        joined = read.join(counted, _BATCH, "left").fillna(0, ["counted"]).orderBy(_BATCH)
        for row in joined.toLocalIterator(prefetchPartitions=True):
            yield BatchRecount(row[_BATCH], row["read"], row["rejected"], row["late"], row["counted"], row["latest_us"])

    def counts(self) -> Iterator[tuple[tuple[Any, ...], tuple[int, ...]]]:
        """Yield the counts of all records but the loose ones: window and groups, and what is added up; in order."""
        rows = self._rows
        if self.keys is not None:
            rows = _variant_rows(self.keys.filter(F.size(_VARIANTS) == 1))
        found = self._counted(rows).orderBy(WINDOW_START, *(group.name for group in self._question.groups))
        for row in found.toLocalIterator(prefetchPartitions=True):
            yield count_key(row, self._question), tuple(row[name] for name in self._question.added_columns)

    def _counted(self, rows: DataFrame) -> DataFrame:
        # Windows in seconds, as a timestamp would go through the machine's time zone.
        counts = added_counts(rows, question=self._question, window=self._window)
        seconds = {name: F.unix_seconds(name) for name in (WINDOW_START, WINDOW_END)}
        return counts.select(*self._question.stored_columns).withColumns(seconds)

    def loose(self) -> list[list[tuple[Any, ...]]]:
        """Return the loose records, those of which any one of several may have been counted: the keys for each."""
        if self.keys is None:
            return []
        some = self.keys.filter(F.size(_VARIANTS) > 1)
        loose = some.select(F.unix_micros(EVENT_TIME).alias("us"), _VARIANTS).collect()
        windows: dict[tuple[Any, ...], list[tuple[int, tuple[Any, ...]]]] = defaultdict(list)
        for row in self._counted(_variant_rows(some)).collect() if loose else ():
            key = count_key(row, self._question)
            windows[key[1:]].append((row[WINDOW_END], key))
        return [
            [
                key
                for groups in dict.fromkeys(_groups(variant, self._question) for variant in row[_VARIANTS])
                for end, key in windows[groups]
                if key[0] <= row["us"] / _SECOND_US < end
            ]
            for row in loose
        ]

    def close(self) -> None:
        """Let go of what is kept."""
        if self.keys is not None:
            self.keys.unpersist()
        self._judged.unpersist()


def count_key(row: Any, question: Question) -> tuple[Any, ...]:
    """Return what tells a row of counts from the others, in the order of any store: texts as their bytes."""
    return row[WINDOW_START], *_groups(row, question)


def _groups(row: Any, question: Question) -> tuple[Any, ...]:
    values = (row[group.name] for group in question.groups)
    return tuple(each.encode() if isinstance(each, str) else each for each in values)


def _variant_rows(keys: DataFrame) -> DataFrame:
    return keys.select(EVENT_TIME, F.explode(_VARIANTS).alias(_ROW)).select(EVENT_TIME, f"{_ROW}.*")


@dataclass(frozen=True)
class Spans:
    """What each micro-batch read of each partition, once for each bucket of `size` offsets that it touches.

    A record is then compared with the few spans in its bucket, and not with those of all micro-batches.
    """

    frame: DataFrame
    size: int


def spans_of(session: SparkSession, batches: Sequence[Batch]) -> Spans:
    """Return the spans of micro-batches."""
    spans = [
        (int(number), batch.start_offsets.get(number, 0), end, batch)
        for batch in batches
        for number, end in batch.end_offsets.items()
        if end > batch.start_offsets.get(number, 0)
    ]
    size = max(1, sum(end - start for _, start, end, _ in spans) // max(1, len(spans)))
    rows = [
        (number, bucket, start, end, batch.batch_id, _micros(batch.watermark))
        for number, start, end, batch in spans
        for bucket in range(start // size, (end - 1) // size + 1)
    ]
    return Spans(session.createDataFrame(rows, _SPANS), size)


def _micros(time: datetime | None) -> int | None:
    return None if time is None else (time - _EPOCH) // _MICROSECOND


def judged_records(records: DataFrame, spans: Spans, *, question: Question, max_ahead: str = MAX_AHEAD) -> DataFrame:
    """Return every record with its fields, reason, micro-batch, and whether it was late; without its value.

    Args:
        records: with the columns of Kafka's source.
        spans: as `spans_of` returns them.
        question: what is an accepted record, and whether any is late.
        max_ahead: as the stream had it.
    """
    number, offset = F.col(kafka(PARTITION)), F.col(kafka(OFFSET))
    bucket = ((offset - offset % spans.size) / spans.size).cast("long")
    is_own = (number == F.col("_number")) & (bucket == F.col("_bucket"))
    is_own &= (offset >= F.col("_start")) & (offset < F.col("_end"))
    late = F.col(REASON).isNull() & F.coalesce(F.unix_micros(EVENT_TIME) <= F.col("_watermark"), F.lit(False))
    fields = [field.name for field in question.required]
    found = validated_records(records, question=question, max_ahead=max_ahead).join(F.broadcast(spans.frame), is_own)
    is_late = late if question.drops_duplicates else F.lit(False)
    return found.select(number, offset, _BATCH, REASON, EVENT_TIME, *fields, is_late.alias(_IS_LATE))


def accepted_rows_of_batches(judged: DataFrame, *, question: Question) -> DataFrame:
    """Return the accepted records that were not late, with what is counted of them, their id and micro-batch."""
    rows = judged.filter(F.col(REASON).isNull() & ~F.col(_IS_LATE)).transform(question.accepted)
    if _BATCH not in rows.columns or question.id not in rows.columns:
        raise SfPoliceError(
            f"the question {question.name} cannot be recounted: its `accepted` drops columns that it does not know",
            remedy="add columns there, and drop none",
        )
    return rows


def counted_keys(rows: DataFrame, *, question: Question) -> DataFrame:
    """Return each id and event time once, with the micro-batch that counted it, and what may have been counted.

    Args:
        rows: as `accepted_rows_of_batches` returns them.
        question: the groups and sums.
    """
    names = list(dict.fromkeys(column.name for column in (*question.groups, *question.sums)))
    row: Column = F.struct(*(F.col(name) for name in names))
    by_batch = rows.groupBy(F.col(question.id).alias("_id"), EVENT_TIME, _BATCH).agg(
        F.collect_set(row).alias(_VARIANTS)
    )
    return by_batch.groupBy("_id", EVENT_TIME).agg(
        F.min(_BATCH).alias(_BATCH), F.min_by(_VARIANTS, _BATCH).alias(_VARIANTS)
    )
