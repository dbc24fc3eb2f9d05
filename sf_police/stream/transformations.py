"""DataFrame -> DataFrame: the steps that all questions share, from Kafka's records to rows that can be counted.

The parser is in `spark/strict_json.py` and `compact_form.py`; the order of the steps is in `pipeline.py`. No session
and no I/O here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sf_police.checks import duration_s
from sf_police.config import MAX_AHEAD
from sf_police.question import EVENT_TIME, REASON, WINDOW_END, WINDOW_START, Field, Question
from sf_police.spark import compact_form, strict_json
from sf_police.store.digest import SEPARATOR, hash_column
from sf_police.stream.source import KAFKA_COLUMNS, TIMESTAMP, VALUE, kafka

_EARLIEST = "1990-01-01 00:00:00"
# Exclusive, and long before Python's last date: a window's end, or a week's, can always be told.
_LATEST = "3000-01-01 00:00:00"
_IS_COMPACT = "_is_compact"
_ASCII = "_ascii"
_COMPACT = "_compact"
_STRICT = "_strict"


def with_kafka_columns_apart(records: DataFrame) -> DataFrame:
    """Rename the columns of Kafka's source (`value` to `_value`, …), as a field may have the same name."""
    return records.select(*(F.col(name).alias(kafka(name)) for name in KAFKA_COLUMNS))


def parse_records(records: DataFrame, *, fields: Sequence[Field], patterns: Mapping[str, str]) -> DataFrame:
    """Add the required fields of each record, or the reason why they cannot be read.

    Reads `_value`. Adds `reason`, a column per required field, as in the record, and `_is_compact`: whether the fields
    are proven to match `patterns`. A record with a reason may have any field NULL. Each step is a projection of its
    own, so that Spark computes a costly column once for all its uses.
    """
    value, compact, strict = F.col(kafka(VALUE)), F.col(_COMPACT), F.col(_STRICT)

    def field(name: str) -> Column:
        quick = compact_form.compact_field(compact, name, fields=fields)
        return F.when(compact.isNotNull(), quick).otherwise(strict[name])

    found = {each.name: field(each.name) for each in fields if each.is_required}
    return (
        records.withColumn(_ASCII, compact_form.ascii_form(value, fields=fields, patterns=patterns))
        .withColumn(_COMPACT, compact_form.compact_fields(value, F.col(_ASCII), fields=fields, patterns=patterns))
        .withColumn(_STRICT, F.when(compact.isNull(), strict_json.strict_record(value, fields=fields)))
        .withColumns({**found, REASON: strict[REASON], _IS_COMPACT: compact.isNotNull()})
        .drop(_ASCII, _COMPACT, _STRICT)
    )


def with_event_time(records: DataFrame, *, question: Question) -> DataFrame:
    """Add `event_time` from the question's time field; NULL if that is not a valid time. Drops `_is_compact`."""
    text, is_of_form = F.col(question.time), F.col(_IS_COMPACT)
    time = event_time(text, pattern=question.time_pattern, is_of_form=is_of_form)
    return records.withColumn(EVENT_TIME, time).drop(_IS_COMPACT)


def with_reason(records: DataFrame, *, question: Question, max_ahead: str = MAX_AHEAD) -> DataFrame:
    """Complete `reason`, NULL for accepted records, with faults of length, of the time and of the question."""
    time, timestamp = F.col(EVENT_TIME), F.col(kafka(TIMESTAMP))
    of_time = time_reason(time, timestamp, name=question.time, form=question.time_form, max_ahead=max_ahead)
    of_length = strict_json.length_reason(question.fields)
    of_sum = [strict_json.sum_reason(question.fields, question.sums)] if question.sums else []
    of_question = [question.fault()] if question.fault else []
    return records.withColumn(REASON, F.coalesce(F.col(REASON), of_length, *of_sum, of_time, *of_question))


def filter_rejected(records: DataFrame, *, question: Question) -> DataFrame:
    """Remove records that have a `reason`, and all columns but the required fields and `event_time`."""
    columns = [*(field.name for field in question.required), EVENT_TIME]
    return records.filter(F.col(REASON).isNull()).select(*columns)


def filter_late_and_duplicates(rows: DataFrame, *, id: str, watermark: str, in_one_task: bool = False) -> DataFrame:
    """Remove late rows, and all but the first row with the same id and `event_time`.

    Args:
        rows: accepted ones only, as any row's event time moves the watermark.
        id: the column by which rows of the same event time are duplicates.
        watermark: how far a row may trail the latest event time, e.g. `10 minutes`.
        in_one_task: run this, and the steps before and after it, in one task.
    """
    watched = rows.withWatermark(EVENT_TIME, watermark)
    # With all rows in one partition, no later step needs a shuffle. `coalesce` has to follow `withWatermark`, which
    # does not pass on how its rows are partitioned.
    gathered = watched.coalesce(1) if in_one_task else watched
    return gathered.dropDuplicates([id, EVENT_TIME])


def count_by_window(rows: DataFrame, *, window: str, question: Question) -> DataFrame:
    """Count rows, and add up the question's sums, per tumbling window and group.

    Args:
        rows: with `event_time`, the group columns and the columns to sum.
        window: its length, e.g. `30 minutes`; a window includes its start and excludes its end.
        question: the groups, the sums, and what the count is called.
    """
    groups = [group.name for group in question.groups]
    sums = [F.sum(column.name).alias(column.name) for column in question.sums]
    counted = rows.groupBy(F.window(EVENT_TIME, window), *groups).agg(F.count("*").alias(question.rows), *sums)
    start, end = F.col("window.start").alias(WINDOW_START), F.col("window.end").alias(WINDOW_END)
    return counted.select(start, end, *question.stored_columns[2:])


def with_hashes(counts: DataFrame, *, question: Question) -> DataFrame:
    """Add a hash of each row's key for every column that is added up, as `store/digest.py` computes it."""
    return counts.withColumns(key_hashes(question))


def stored_columns(question: Question) -> dict[str, Column]:
    """Return the stored columns; decimals as scaled integers: exact in every store, whatever the order of adding."""
    scales = {field.name: field.scale for field in question.sums if field.scale}

    def stored(name: str) -> Column:
        return (F.col(name) * F.lit(10 ** scales[name])).cast("bigint") if name in scales else F.col(name)

    return {name: stored(name) for name in question.stored_columns}


def key_hashes(question: Question) -> dict[str, Column]:
    """Return a hash of a row's key for every column that is added up."""
    seconds = [F.unix_seconds(F.col(name)).cast("string") for name in (WINDOW_START, WINDOW_END)]
    groups = [F.col(group.name).cast("string") for group in question.groups]
    sized = [part for text in groups for part in (F.octet_length(text).cast("string"), text)]
    key = F.concat_ws(SEPARATOR, *seconds, *sized)
    return {hash_column(name): F.crc32(F.concat_ws(SEPARATOR, F.lit(name), key)) for name in question.added_columns}


def event_time(text: Column, *, pattern: str, is_of_form: Column) -> Column:
    """Return the text as a timestamp in the session's zone (UTC); NULL unless it is a real time of that pattern.

    Where `is_of_form`, the text is known to match, and is not matched again.
    """
    return F.when(is_of_form | text.rlike(rf"\A{pattern}\z"), F.try_to_timestamp(text))


def time_reason(event_time: Column, timestamp: Column, *, name: str, form: str, max_ahead: str = MAX_AHEAD) -> Column:
    """Return what is wrong with a record's event time, given its Kafka timestamp; NULL if nothing is."""
    earliest, latest = F.lit(_EARLIEST).cast("timestamp"), F.lit(_LATEST).cast("timestamp")
    # A single record from the far future would push the watermark past everything after it. A clock that was never
    # set (Kafka timestamps near 1970) bounds nothing.
    most = F.expr(f"INTERVAL {duration_s(max_ahead)} SECONDS")
    is_future = (timestamp >= earliest) & (event_time > timestamp + most)
    shown = "a day" if max_ahead == MAX_AHEAD else max_ahead
    return (
        F.when(event_time.isNull(), F.lit(f"{name} is not a real time of the form {form}"))
        .when(event_time < earliest, F.lit(f"{name} is before {_EARLIEST[:4]}"))
        .when(is_future, F.lit(f"{name} is more than {shown} after the record's Kafka timestamp"))
        .when(event_time >= latest, F.lit(f"{name} is not before {_LATEST[:4]}"))
    )
