"""What `answers.sql` means: one answer, computed by hand, from SQLite, PostgreSQL and Spark."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession

from sf_police.calls import QUESTION
from sf_police.store.answers import StoreReader
from sf_police.store.views import statements
from tests.support.builders import store_batch
from tests.support.fixtures import read_csv

USUAL = "usual_resolution string, usual_resolution_calls bigint"
ANSWERS_SCHEMA = {
    "window_answers": f"window_start timestamp, window_end timestamp, calls bigint, crime_types bigint, {USUAL}",
    "crime_type_answers": f"crime_type string, calls bigint, windows bigint, {USUAL}",
    "overall_answer": f"calls bigint, windows bigint, crime_types bigint, {USUAL}",
}
OVERALL = [{"calls": 10, "windows": 4, "crime_types": 5, "usual_resolution": "Cancel", "usual_resolution_calls": 2}]


def typed(rows: list[dict[str, str]]) -> list[dict[str, Any]]:
    def value(name: str, text: str) -> Any:
        if name.startswith("window_"):
            return datetime.fromisoformat(text)
        if text == "":
            return None
        return int(text) if text.isdigit() and name != "crime_type" else text

    return [{name: value(name, text) for name, text in row.items()} for row in rows]


def by_first_column(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: next(iter(row.values())))


def counts_rows() -> list[tuple[Any, ...]]:
    return [tuple({**row, "calls": int(row["calls"])}.values()) for row in read_csv("counts.csv")]


@pytest.mark.parametrize("view", ["window_answers", "crime_type_answers", "overall_answer"])
def test_the_stores_views_answer_what_was_computed_by_hand(reader: StoreReader, view: str) -> None:
    store_batch(reader.database, counts_rows())
    expected = OVERALL if view == "overall_answer" else typed(read_csv(f"{view}.csv"))

    assert by_first_column(reader.answer(view)) == expected


@pytest.mark.parametrize("view", ["window_answers", "crime_type_answers", "overall_answer"])
def test_spark_answers_the_same_from_the_same_text(spark: SparkSession, view: str) -> None:
    counts = typed(read_csv("counts.csv"))
    schema = "window_start timestamp, window_end timestamp, crime_type string, resolution string, calls bigint"
    spark.createDataFrame([tuple(row.values()) for row in counts], schema).createOrReplaceTempView("counts")
    expected = OVERALL if view == "overall_answer" else typed(read_csv(f"{view}.csv"))

    for name, text in statements(QUESTION.answers).items():
        spark.sql(text).createOrReplaceTempView(name)
    actual_df = spark.table(view)

    expected_df = spark.createDataFrame([tuple(row.values()) for row in expected], ANSWERS_SCHEMA[view])
    assert_df_equality(actual_df, expected_df, ignore_row_order=True, ignore_nullable=True)


def test_ties_go_by_byte_order(reader: StoreReader) -> None:
    window = ("2018-10-12 14:00:00", "2018-10-12 14:30:00")
    rows = [(*window, "a", resolution, 1) for resolution in ("abated", "Zero", "Ärger", "Not recorded")]

    store_batch(reader.database, rows)

    assert [row["usual_resolution"] for row in reader.answer("window_answers")] == ["Zero"]
