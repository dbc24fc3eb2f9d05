"""The one composition of the transformations: Kafka-shaped records in, counts out.

It knows neither source nor sink: a stream from Kafka, a batch, or a frame in a test is all the same to it.
"""

from __future__ import annotations

from pyspark.sql import DataFrame

from sf_police.calls import schema
from sf_police.calls.transformations import (
    count_calls_by_window,
    filter_rejected,
    filter_repeats,
    parse_calls,
    with_crime_type,
    with_event_time,
    with_reason,
    with_resolution,
)


def call_counts(records: DataFrame, *, window: str, watermark: str, in_one_task: bool = False) -> DataFrame:
    """Calls per window, crime type and resolution: `schema.COUNTS`.

    Args:
        records: as Kafka's source gives them: value, topic, partition, offset, timestamp.
        window: length of a window, e.g. `30 minutes`.
        watermark: how far behind the latest event time a call may be, e.g. `10 minutes`.
        in_one_task: whether a single task does it all, without shuffles: for so few records that a second one would
            take longer than it gives. A stream needs `spark.sql.shuffle.partitions` to be 1 for it.
    """
    return (
        judged_records(records)
        .transform(filter_rejected)
        .transform(with_crime_type)
        .transform(with_resolution)
        .transform(filter_repeats, watermark=watermark, in_one_task=in_one_task)
        .transform(count_calls_by_window, window=window)
    )


def rejected_records(records: DataFrame) -> DataFrame:
    """The records that are no calls, whole, each with its reason (`schema.REJECTED`)."""
    judged = judged_records(records)
    return judged.filter(judged[schema.REASON].isNotNull()).select(*schema.REJECTED)


def judged_records(records: DataFrame) -> DataFrame:
    """Every record with its fields, event time and reason: where accepted and rejected part."""
    return records.transform(parse_calls).transform(with_event_time).transform(with_reason)
