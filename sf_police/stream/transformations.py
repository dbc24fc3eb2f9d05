"""DataFrame -> DataFrame: what every question shares, from Kafka's records to rows without a fault, late or duplicate.

The parser is in `spark/strict_json.py`; the order of the steps is in `pipeline.py`. No session and no I/O here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sf_police.question import EVENT_TIME, REASON, Field, Question
from sf_police.spark import strict_json
from sf_police.stream.source import KAFKA_COLUMNS, TIMESTAMP, VALUE, kafka

_EARLIEST = "1990-01-01 00:00:00"
_COMPACT = "_compact"
_STRICT = "_strict"


def with_kafka_columns_apart(records: DataFrame) -> DataFrame:
    """Rename what Kafka's source gives (`value` to `_value`, …), as a field may have such a name."""
    return records.select(*(F.col(name).alias(kafka(name)) for name in KAFKA_COLUMNS))


def parse_records(records: DataFrame, *, fields: Sequence[Field], patterns: Mapping[str, str]) -> DataFrame:
    """Add the required fields of each record, and why it has not got them.

    Reads `_value`. Adds `reason`, and a column per required field, as the record has it; a record with a reason may
    have any of them NULL. Each step is a projection of its own: Spark then computes a costly column once for all that
    read it.
    """
    value, compact, strict = F.col(kafka(VALUE)), F.col(_COMPACT), F.col(_STRICT)

    def field(name: str) -> Column:
        quick = strict_json.compact_field(compact, name, fields=fields)
        return F.when(compact.isNotNull(), quick).otherwise(strict[name])

    found = {each.name: field(each.name) for each in fields if each.is_required}
    return (
        records.withColumn(_COMPACT, strict_json.compact_fields(value, fields=fields, patterns=patterns))
        .withColumn(_STRICT, F.when(compact.isNull(), strict_json.strict_record(value, fields=fields)))
        .withColumns({**found, REASON: strict[REASON]})
        .drop(_COMPACT, _STRICT)
    )


def with_event_time(records: DataFrame, *, question: Question) -> DataFrame:
    """Add `event_time` from the question's time field; NULL where that is no time."""
    return records.withColumn(EVENT_TIME, event_time(F.col(question.time), pattern=question.time_pattern))


def with_reason(records: DataFrame, *, question: Question) -> DataFrame:
    """Complete `reason`, why a record is rejected: NULL for one without a fault. Reads `event_time`, `_timestamp`."""
    of_time = time_reason(F.col(EVENT_TIME), F.col(kafka(TIMESTAMP)), name=question.time, form=question.time_form)
    of_question = [question.fault()] if question.fault else []
    return records.withColumn(REASON, F.coalesce(F.col(REASON), of_time, *of_question))


def filter_rejected(records: DataFrame, *, question: Question) -> DataFrame:
    """Remove the records that have a `reason`, and all columns but the required fields and `event_time`."""
    columns = [*(field.name for field in question.required), EVENT_TIME]
    return records.filter(F.col(REASON).isNull()).select(*columns)


def filter_late_and_duplicates(rows: DataFrame, *, id: str, watermark: str, in_one_task: bool = False) -> DataFrame:
    """Remove rows that are late, and all but the first of those with one id and `event_time`.

    Args:
        rows: accepted ones only: any row's event time moves the watermark.
        id: the column that says which rows of one time are duplicates.
        watermark: how far behind the latest event time a row may be, e.g. `10 minutes`.
        in_one_task: whether one task does it, and what is before and after it.
    """
    watched = rows.withWatermark(EVENT_TIME, watermark)
    # All rows are then where every later step needs them, and Spark shuffles nothing. Not before `withWatermark`, which
    # does not say of its rows where they are.
    gathered = watched.coalesce(1) if in_one_task else watched
    return gathered.dropDuplicates([id, EVENT_TIME])


def with_scaled_sums(counts: DataFrame, *, question: Question) -> DataFrame:
    """Keep the stored columns, decimals as integers of their last digit: exact in every store, in any order."""

    def stored(name: str) -> Column:
        scale = {field.name: field.scale for field in question.sums}.get(name, 0)
        return (F.col(name) * F.lit(10**scale)).cast("bigint").alias(name) if scale else F.col(name)

    return counts.select(*map(stored, question.stored_columns))


def event_time(text: Column, *, pattern: str) -> Column:
    """Return the time as a timestamp in the session's zone (UTC); NULL unless it is a real time of the pattern."""
    return F.when(text.rlike(rf"\A{pattern}\z"), F.try_to_timestamp(text))


def time_reason(event_time: Column, timestamp: Column, *, name: str, form: str) -> Column:
    """Return why a record cannot be of its event time, given its Kafka timestamp, or NULL."""
    earliest = F.lit(_EARLIEST).cast("timestamp")
    # One record from the far future would carry the watermark past everything after it. A clock that was
    # never set (Kafka timestamps near 1970) can bound nothing.
    is_future = (timestamp >= earliest) & (event_time > timestamp + F.expr("INTERVAL 1 DAY"))
    return (
        F.when(event_time.isNull(), F.lit(f"{name} is not a time of the form {form}"))
        .when(event_time < earliest, F.lit(f"{name} is before {_EARLIEST[:4]}"))
        .when(is_future, F.lit(f"{name} is more than a day after the record's Kafka timestamp"))
    )
