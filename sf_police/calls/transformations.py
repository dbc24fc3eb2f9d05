"""DataFrame -> DataFrame: each attaches columns to names, or keeps rows, or counts them.

The logic of a column is in `columns.py`; the order of the steps is in `pipeline.py`. No session and no I/O here.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sf_police.calls import columns, schema

_COMPACT = "compact_fields"
_STRICT = "strict"
_SYNTAX_REASON = "syntax_reason"


def parse_calls(records: DataFrame) -> DataFrame:
    """Add the required fields of the call in `value`, and why there is none.

    Reads `value`. Adds `syntax_reason` and a column per required field, as the record has it; a record with a
    reason may have any of them NULL. Each step is a projection of its own: Spark then computes a costly
    column once for all that read it.
    """
    value, compact, strict = F.col(schema.VALUE), F.col(_COMPACT), F.col(_STRICT)
    fields = {
        name: F.when(compact.isNotNull(), columns.compact_field(compact, name)).otherwise(strict[name])
        for name in schema.REQUIRED_FIELDS
    }
    return (
        records.withColumn(_COMPACT, columns.compact_fields(value))
        .withColumn(_STRICT, F.when(compact.isNull(), columns.strict_call(value)))
        .withColumns({**fields, _SYNTAX_REASON: strict[schema.REASON]})
        .drop(_COMPACT, _STRICT)
    )


def with_event_time(calls: DataFrame) -> DataFrame:
    """Add `event_time` from `call_date_time`; NULL where that is no time."""
    return calls.withColumn(schema.EVENT_TIME, columns.event_time(F.col(schema.CALL_DATE_TIME)))


def with_reason(calls: DataFrame) -> DataFrame:
    """Add `reason`: why the record is rejected, NULL for a call. Reads what the steps before added, and `timestamp`."""
    time_reason = columns.time_reason(F.col(schema.EVENT_TIME), F.col(schema.TIMESTAMP))
    return calls.withColumn(schema.REASON, F.coalesce(F.col(_SYNTAX_REASON), time_reason)).drop(_SYNTAX_REASON)


def filter_rejected(calls: DataFrame) -> DataFrame:
    """Remove the records that have a `reason`."""
    return calls.filter(F.col(schema.REASON).isNull())


def with_crime_type(calls: DataFrame) -> DataFrame:
    """Add `crime_type` from `original_crime_type_name`."""
    return calls.withColumn(schema.CRIME_TYPE, columns.crime_type(F.col(schema.CRIME_TYPE_NAME)))


def with_resolution(calls: DataFrame) -> DataFrame:
    """Add `resolution` from `disposition`; no call is lost for want of a known code."""
    return calls.withColumn(schema.RESOLUTION, columns.resolution(F.col(schema.DISPOSITION)))


def filter_repeats(calls: DataFrame, *, watermark: str, in_one_task: bool = False) -> DataFrame:
    """Remove calls that are late, and all but the first of those with one `crime_id` and `event_time`.

    Args:
        calls: accepted calls only: any row's event time moves the watermark.
        watermark: how far behind the latest event time a call may be, e.g. `10 minutes`.
        in_one_task: whether one task does it, and what is before and after it.
    """
    watched = calls.withWatermark(schema.EVENT_TIME, watermark)
    # All rows are then where every later step needs them, and Spark shuffles nothing. Not before `withWatermark`, which
    # does not say of its rows where they are.
    gathered = watched.coalesce(1) if in_one_task else watched
    return gathered.dropDuplicates([schema.CRIME_ID, schema.EVENT_TIME])


def count_calls_by_window(calls: DataFrame, *, window: str) -> DataFrame:
    """Count calls per tumbling window (start inclusive), crime type and resolution: the columns of `schema.COUNTS`."""
    span = F.window(F.col(schema.EVENT_TIME), window)
    counts = calls.groupBy(span, schema.CRIME_TYPE, schema.RESOLUTION).agg(F.count(F.lit(1)).alias(schema.CALLS))
    start = F.col("window.start").alias(schema.WINDOW_START)
    end = F.col("window.end").alias(schema.WINDOW_END)
    return counts.select(start, end, schema.CRIME_TYPE, schema.RESOLUTION, schema.CALLS)
