"""The columns that are derived from a call: crime type, resolution, event time."""

from __future__ import annotations

from datetime import datetime

from chispa import assert_column_equality
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sf_police.calls import QUESTION, columns
from sf_police.calls.groups import groups_of_call
from sf_police.calls.transformations import accepted_calls
from sf_police.stream.transformations import event_time


def test_crime_type_is_trimmed_of_ascii_white_space(spark: SparkSession) -> None:
    white = " \t\n\v\f\r"
    alike = ["\x01x", "x\x01", "\x1fx\x1f", "\u00a0x\u00a0", "\u2003x\u2003", "é é", "!", "~", "\x7f", ""]
    names = [" \t\r\n Traffic  Stop \v\f", *(f"{a}x x{b}" for a in ["", *white] for b in ["", *white]), *white, *alike]
    rows = [*((name, name.strip(white)) for name in names), ("Traffic Stop", "Traffic Stop"), (None, None)]
    df = spark.createDataFrame(rows, "name string, expected string")

    actual_df = df.withColumn("actual", columns.crime_type(F.col("name")))

    assert_column_equality(actual_df, "actual", "expected")


def test_resolution_is_the_codes_meaning_or_the_code(spark: SparkSession) -> None:
    rows = [
        ("HAN", "Handled"), ("CAN", "Cancel"), ("22", "Cancel"), ("TOW", "TOW"), ("han", "han"),
        ("Not recorded", "Not recorded"), (" HAN ", "Handled"), (None, None),
    ]  # fmt: skip
    df = spark.createDataFrame(rows, "disposition string, expected string")

    actual_df = df.withColumn("actual", columns.resolution(F.col("disposition")))

    assert_column_equality(actual_df, "actual", "expected")


def test_one_call_is_counted_under_the_same_in_plain_python(spark: SparkSession) -> None:
    white = " \t\n\v\f\r"
    odd = [
        "\x01x",
        "x\x1f",
        "\u00a0x\u00a0",
        "\x85x",
        "\u2003x",
        "é é",
        "HAN",
        "CAN",
        "22",
        "tow",
        *(f"{a}22{a}" for a in white),
    ]
    df = spark.createDataFrame(
        [(name, code) for name in odd for code in odd], "original_crime_type_name string, disposition string"
    )

    rows = accepted_calls(df).collect()

    assert [groups_of_call(row.asDict()) for row in rows] == [(row["crime_type"], row["resolution"]) for row in rows]


def test_event_time_is_the_wall_clock(spark: SparkSession) -> None:
    rows = [
        ("2018-11-04T01:30:00.000", datetime(2018, 11, 4, 1, 30)),
        ("2018-03-11T02:30:00.123", datetime(2018, 3, 11, 2, 30, 0, 123_000)),
        ("2018-02-29T00:00:00.000", None),
        (None, None),
    ]
    df = spark.createDataFrame(rows, "text string, expected timestamp")

    actual_df = df.withColumn(
        "actual", event_time(F.col("text"), pattern=QUESTION.time_pattern, is_of_form=F.lit(False))
    )

    assert_column_equality(actual_df, "actual", "expected")
