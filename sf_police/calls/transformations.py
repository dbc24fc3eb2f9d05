"""DataFrame -> DataFrame: from a call's fields to counts. The logic of single columns is in `columns.py`."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sf_police.calls import columns, schema
from sf_police.question import EVENT_TIME, WINDOW_END, WINDOW_START


def accepted_calls(records: DataFrame) -> DataFrame:
    """Add `crime_type` and `resolution` to accepted records."""
    return records.transform(with_crime_type).transform(with_resolution)


def with_crime_type(calls: DataFrame) -> DataFrame:
    """Add `crime_type` from `original_crime_type_name`."""
    return calls.withColumn(schema.CRIME_TYPE, columns.crime_type(F.col(schema.CRIME_TYPE_NAME)))


def with_resolution(calls: DataFrame) -> DataFrame:
    """Add `resolution` from `disposition`; calls with an unknown code are kept."""
    return calls.withColumn(schema.RESOLUTION, columns.resolution(F.col(schema.DISPOSITION)))


def count_calls_by_window(calls: DataFrame, *, window: str) -> DataFrame:
    """Count calls per tumbling window, crime type and resolution.

    Args:
        calls: with `event_time`, `crime_type` and `resolution`.
        window: its length, e.g. `30 minutes`; the start is inclusive, the end exclusive.
    """
    span = F.window(F.col(EVENT_TIME), window)
    counts = calls.groupBy(span, schema.CRIME_TYPE, schema.RESOLUTION).agg(F.count(F.lit(1)).alias(schema.CALLS))
    start, end = F.col("window.start").alias(WINDOW_START), F.col("window.end").alias(WINDOW_END)
    return counts.select(start, end, schema.CRIME_TYPE, schema.RESOLUTION, schema.CALLS)
