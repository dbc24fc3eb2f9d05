"""The parser: every input of its table and its outcome, truncations, both ways, and the bound of the Kafka clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from tests.support.builders import a_value, kafka_frame
from tests.support.parser_table import FUTURE, GOOD, ONE, TABLE
from tests.support.question import validated_records


def test_the_table_of_inputs_and_outcomes(spark: SparkSession) -> None:
    records = kafka_frame(spark, [value for _, value, _ in TABLE])
    expected_df = spark.createDataFrame(
        [(offset, name, reason) for offset, (name, _, reason) in enumerate(TABLE)],
        "offset bigint, name string, reason string",
    )

    found = validated_records(records).select(F.col("_offset").alias("offset"), "reason")
    actual_df = found.join(expected_df.select("offset", "name"), "offset")

    assert_df_equality(
        actual_df.select("offset", "name", "reason"), expected_df, ignore_row_order=True, ignore_nullable=True
    )


def test_every_truncation_of_a_record_is_rejected(spark: SparkSession) -> None:
    cut = [GOOD[:length] for length in range(len(GOOD))]

    reasons = {row.reason for row in validated_records(kafka_frame(spark, cut)).select("reason").collect()}

    assert reasons == {ONE}


def test_a_record_that_is_too_long_for_the_parser_is_called_so(spark: SparkSession) -> None:
    rest = len(a_value(address="", more=""))
    values: list[bytes | None] = [a_value(address="x" * (size - rest), more="") for size in (19_999_999, 20_000_000)]

    rows = validated_records(kafka_frame(spark, values)).select("_offset", "reason").collect()

    assert [row.reason for row in sorted(rows)] == [None, "20,000,000 characters or more"]


@pytest.mark.parametrize("value", [GOOD, b" " + GOOD], ids=["compact", "strict"])
def test_both_ways_cut_out_the_same_fields(spark: SparkSession, value: bytes) -> None:
    [row] = validated_records(kafka_frame(spark, [value])).collect()

    fields = (row.crime_id, row.original_crime_type_name, row.call_date_time, row.disposition)
    assert fields == ("182850001", "Traffic Stop", "2018-10-12T14:20:00.000", "HAN")


@pytest.mark.parametrize(
    ("timestamp", "reason"),
    [(datetime(1970, 1, 1, tzinfo=UTC), None), (datetime(2018, 10, 11, 14, 19, tzinfo=UTC), FUTURE)],
    ids=["a clock that was never set bounds nothing", "a producer's clock a day and a minute before"],
)
def test_the_kafka_timestamp_bounds_the_event_time(
    spark: SparkSession, timestamp: datetime, reason: str | None
) -> None:
    [row] = validated_records(kafka_frame(spark, [GOOD], timestamp)).collect()

    assert row.reason == reason


@pytest.mark.parametrize("timestamp_ms", [0, 2**53])
def test_no_clock_lets_a_time_in_whose_window_could_not_be_told(spark: SparkSession, timestamp_ms: int) -> None:
    timestamp = F.timestamp_millis(F.lit(timestamp_ms))
    times = ("2999-12-31T23:59:59.999", "3000-01-01T00:00:00.000", "9999-12-31T23:59:59.999")
    records = kafka_frame(spark, [a_value(call_date_time=time) for time in times]).withColumn("timestamp", timestamp)

    rows = validated_records(records).select("_offset", "reason").collect()

    assert [row.reason for row in sorted(rows)] == [None, *["call_date_time is not before 3000"] * 2]


@pytest.mark.parametrize(
    ("max_ahead", "minutes", "reason"),
    [
        ("1 day", 1_440, None),
        ("1 day", 1_441, "more than a day after"),
        ("1 hour", 60, None),
        ("1 hour", 61, "more than 1 hour after"),
        ("0 seconds", 0, None),
        ("0 seconds", 1, "more than 0 seconds after"),
        ("5200 weeks", 1_441, None),
    ],
)
def test_how_far_it_may_be_ahead_is_a_setting(
    spark: SparkSession, max_ahead: str, minutes: int, reason: str | None
) -> None:
    timestamp = datetime(2018, 10, 12, 14, 20, tzinfo=UTC) - timedelta(minutes=minutes)
    [row] = validated_records(kafka_frame(spark, [GOOD], timestamp), max_ahead=max_ahead).collect()

    assert row.reason == (f"call_date_time is {reason} the record's Kafka timestamp" if reason else None)
