"""The pipeline, in two parts: Kafka-shaped records in, accepted rows out; accepted rows in, counts to add out.

The first part is the streaming query, the second is run on each micro-batch. Both know neither source nor sink: a
stream from Kafka, a batch and a frame in a test all take the same path.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sf_police.config import MAX_AHEAD
from sf_police.question import EVENT_TIME, REASON, Question
from sf_police.stream.source import REJECTED, kafka
from sf_police.stream.transformations import (
    count_by_window,
    filter_late_and_duplicates,
    filter_rejected,
    key_hashes,
    parse_records,
    stored_columns,
    with_event_time,
    with_kafka_columns_apart,
    with_reason,
)


def accepted_rows(
    records: DataFrame, *, question: Question, watermark: str, max_ahead: str = MAX_AHEAD, in_one_task: bool = False
) -> DataFrame:
    """Return the records to count, as `event_time`, the group columns and the columns to sum: the streaming query.

    Args:
        records: with the columns of Kafka's source: value, topic, partition, offset, timestamp.
        question: what is counted, and by what.
        watermark: how far a record may trail the latest event time, e.g. `10 minutes`.
        max_ahead: how far its event time may be ahead of its Kafka timestamp, e.g. `1 day`.
        in_one_task: run everything in one task, without shuffles: for so few records that a second task would cost
            more than it saves. In a stream this requires `spark.sql.shuffle.partitions` to be 1.
    """
    counted = [EVENT_TIME, *(column.name for column in (*question.groups, *question.sums))]
    rows = (
        validated_records(records, question=question, max_ahead=max_ahead)
        .transform(filter_rejected, question=question)
        .transform(question.accepted)
    )
    if not question.drops_duplicates:
        return rows.select(*counted)
    # What is not counted would go through the shuffle, too.
    return (
        rows.select(question.id, *(name for name in counted if name != question.id))
        .transform(filter_late_and_duplicates, id=question.id, watermark=watermark, in_one_task=in_one_task)
        .select(*counted)
    )


def added_counts(rows: DataFrame, *, question: Question, window: str) -> DataFrame:
    """Count accepted rows per window and group: what a micro-batch adds to the store's `counts`, and its hashes.

    Args:
        rows: as `accepted_rows` returns them; those of one micro-batch, so no stream.
        question: what is counted, and by what.
        window: length of a window, e.g. `30 minutes`.
    """
    return counter(question, window=window)(rows)


def counter(question: Question, *, window: str) -> Callable[[DataFrame], DataFrame]:
    """Return `added_counts` for many micro-batches, its columns made once: of 200 rows, that takes as long as counting.

    To be called where a session is active; the function holds for that session.
    """
    added = {**stored_columns(question), **key_hashes(question)}
    columns = [column.alias(name) for name, column in added.items()]
    counts = question.counts or partial(count_by_window, question=question)
    return lambda rows: rows.transform(counts, window=window).select(*columns)


def rejected_records(records: DataFrame, *, question: Question, max_ahead: str = MAX_AHEAD) -> DataFrame:
    """Return the rejected records, whole, each with its reason: the columns of the store's `rejected`."""
    rejected = validated_records(records, question=question, max_ahead=max_ahead).filter(F.col(REASON).isNotNull())
    return rejected.select(*(F.col(name if name == REASON else kafka(name)).alias(name) for name in REJECTED))


def validated_records(records: DataFrame, *, question: Question, max_ahead: str = MAX_AHEAD) -> DataFrame:
    """Return every record with its fields, event time and reason; NULL as the reason means accepted."""
    return (
        records.transform(with_kafka_columns_apart)
        .transform(parse_records, fields=question.fields, patterns={question.time: question.time_pattern})
        .transform(with_event_time, question=question)
        .transform(with_reason, question=question, max_ahead=max_ahead)
    )
