"""The second question on a few rides, against what a person counts from them."""

from __future__ import annotations

import csv
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession

from examples.taxi_rides import QUESTION
from sf_police.produce.json_files import read_records
from sf_police.produce.records import event_records
from sf_police.store.answers import StoreReader
from sf_police.store.database import open_database
from sf_police.store.views import queries
from sf_police.store.writer import StoreWriter
from sf_police.stream.pipeline import accepted_rows, added_counts, rejected_records
from sf_police.stream.transformations import with_hashes
from tests.support.builders import a_batch, kafka_frame

FIXTURES = Path(__file__).parent / "fixtures"
COUNTS = "window_start timestamp, window_end timestamp, zone string, payment string, rides bigint, fare bigint"
WINDOWS = [
    {"window_start": datetime(2024, 3, 4, 8), "window_end": datetime(2024, 3, 4, 8, 15), "rides": 3, "zones": 2,
     "fare": Decimal("19.30")},
    {"window_start": datetime(2024, 3, 4, 8, 15), "window_end": datetime(2024, 3, 4, 8, 30), "rides": 2, "zones": 1,
     "fare": Decimal("123462.28")},
]  # fmt: skip
ZONES = [
    {"zone": "Harbor", "rides": 4, "fare": Decimal("123474.58"), "usual_payment": "Card", "usual_payment_rides": 2},
    {"zone": "Station", "rides": 1, "fare": Decimal("7.00"), "usual_payment": "Cash", "usual_payment_rides": 1},
]
# Two rides are paid by card, and two in cash.
OVERALL = [
    {"rides": 5, "windows": 2, "zones": 2, "fare": Decimal("123481.58"), "usual_payment": "Card",
     "usual_payment_rides": 2},
]  # fmt: skip


def values() -> list[bytes]:
    found = read_records(FIXTURES / "rides.json", required=QUESTION.required)
    return [record.value for record in event_records(found, QUESTION)]


def counts() -> list[tuple[Any, ...]]:
    """What a person counts from the fixture, fares in cents, as the store has them."""
    with (FIXTURES / "counts.csv").open(newline="") as file:
        return [
            (
                *map(datetime.fromisoformat, (row["window_start"], row["window_end"])),
                row["zone"],
                row["payment"],
                int(row["rides"]),
                int(Decimal(row["fare"]).scaleb(2)),
            )
            for row in csv.DictReader(file)
        ]


def test_the_fixture_counts_to_what_was_computed_by_hand(spark: SparkSession) -> None:
    records = kafka_frame(spark, values())

    rows = accepted_rows(records, question=QUESTION, watermark="5 minutes")
    actual_df = added_counts(rows, question=QUESTION, window="15 minutes").select(*QUESTION.stored_columns)

    expected_df = spark.createDataFrame(counts(), COUNTS)
    assert_df_equality(actual_df, expected_df, ignore_row_order=True, ignore_nullable=True)


def test_what_is_no_ride_is_rejected_with_its_reason(spark: SparkSession) -> None:
    rejected = rejected_records(kafka_frame(spark, values()), question=QUESTION).collect()

    assert {row.reason for row in rejected} == {
        "ride_id is not an integer within 64 bits",
        "fare is not a number that fits decimal(8,2)",
        "fare is below zero",
    }


@pytest.mark.parametrize(
    ("view", "expected"), [("window_answers", WINDOWS), ("zone_answers", ZONES), ("overall_answer", OVERALL)]
)
def test_store_and_spark_answer_the_same(
    spark: SparkSession, tmp_path: Path, view: str, expected: list[dict[str, Any]]
) -> None:
    counts_df = spark.createDataFrame(counts(), COUNTS)
    counts_df.createOrReplaceTempView("counts")
    database = open_database(f"sqlite:///{tmp_path / 'answers.db'}", QUESTION)
    database.create()
    StoreWriter(database).adopt_stream("query", {})
    added = counts_df.transform(with_hashes, question=QUESTION).toArrow()
    StoreWriter(database).write_batch(a_batch(read=5, counted=5), added, [])

    by_spark = [row.asDict() for row in spark.sql(queries(QUESTION.answers)[view]).collect()]

    assert StoreReader(database).answer(view) == expected
    assert sorted(by_spark, key=repr) == sorted(({**row, "fare": int(row["fare"] * 100)} for row in expected), key=repr)
    database.close()


def test_one_ride_is_counted_under_the_same_in_plain_python(spark: SparkSession) -> None:
    rides = [(f"{a}Harbor{a}", code) for a in (" ", "\t", "\u00a0") for code in (-1, 0, 1, 2, 3, 4, 5)]
    df = spark.createDataFrame(rides, "pickup_zone string, payment_type bigint")

    rows = QUESTION.accepted(df).collect()

    assert QUESTION.groups_of is not None
    assert [QUESTION.groups_of(row.asDict()) for row in rows] == [(row["zone"], row["payment"]) for row in rows]
