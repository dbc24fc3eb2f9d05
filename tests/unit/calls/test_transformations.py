"""Each transformation on the fixture's calls or a few rows; windows, lateness and duplicates on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from sf_police.calls import QUESTION
from sf_police.stream.pipeline import accepted_rows, added_counts
from sf_police.stream.transformations import filter_late_and_duplicates
from tests.support.builders import KAFKA_SCHEMA, PRODUCED, a_value, kafka_frame
from tests.support.fixtures import FIXTURES, read_csv
from tests.support.question import call_counts, event_records, read_calls, rejected_records, validated_records

COUNTS_SCHEMA = "window_start timestamp, window_end timestamp, crime_type string, resolution string, calls bigint"
DAY = "2018-10-12"


def counts_frame(spark: SparkSession, rows: list[tuple[str, str, str, str, int]]) -> DataFrame:
    times = [(datetime.fromisoformat(start), datetime.fromisoformat(end), *rest) for start, end, *rest in rows]
    return spark.createDataFrame(times, COUNTS_SCHEMA)


def fixture_values() -> list[bytes]:
    return [record.value for record in event_records(read_calls(FIXTURES / "calls.json"))]


@pytest.mark.parametrize("in_one_task", [False, True])
def test_the_fixture_counts_to_what_was_computed_by_hand(spark: SparkSession, in_one_task: bool) -> None:
    rows = [(*list(row.values())[:4], int(row["calls"])) for row in read_csv("counts.csv")]
    expected_df = counts_frame(spark, rows)

    records = kafka_frame(spark, fixture_values()).repartition(3)
    actual_df = call_counts(records, window="30 minutes", watermark="10 minutes", in_one_task=in_one_task)

    assert_df_equality(actual_df, expected_df, ignore_row_order=True, ignore_nullable=True)


@pytest.mark.parametrize(
    ("time", "start", "end"),
    [
        ("14:00:00.000", "14:00:00", "14:30:00"),
        ("14:29:59.999", "14:00:00", "14:30:00"),
        ("14:30:00.000", "14:30:00", "15:00:00"),
        ("00:00:00.000", "00:00:00", "00:30:00"),
    ],
)
def test_count_calls_by_window_starts_inclusive_and_ends_exclusive(
    spark: SparkSession, time: str, start: str, end: str
) -> None:
    expected_df = counts_frame(spark, [(f"{DAY} {start}", f"{DAY} {end}", "Traffic Stop", "Handled", 1)])
    records = kafka_frame(spark, [a_value(call_date_time=f"{DAY}T{time}")])

    actual_df = call_counts(records, window="30 minutes", watermark="10 minutes")

    assert_df_equality(actual_df, expected_df, ignore_nullable=True)


def test_what_the_machinery_counts_for_a_question_without_counts_is_the_same(spark: SparkSession) -> None:
    records = kafka_frame(spark, fixture_values())
    rows = accepted_rows(records, question=QUESTION, watermark="10 minutes")

    actual_df = added_counts(rows, question=replace(QUESTION, counts=None), window="30 minutes")

    assert actual_df.count() > 1
    assert_df_equality(
        actual_df, added_counts(rows, question=QUESTION, window="30 minutes"), ignore_row_order=True,
        ignore_nullable=True,
    )  # fmt: skip


def test_a_window_before_midnight_ends_at_midnight(spark: SparkSession) -> None:
    records = kafka_frame(spark, [a_value(call_date_time=f"{DAY}T23:59:00.000")])
    expected_df = counts_frame(spark, [(f"{DAY} 23:00:00", "2018-10-13 00:00:00", "Traffic Stop", "Handled", 1)])

    actual_df = call_counts(records, window="1 hour", watermark="10 minutes")

    assert_df_equality(actual_df, expected_df, ignore_nullable=True)


def test_filter_late_and_duplicates_keeps_one_of_each_id_and_time(spark: SparkSession) -> None:
    values = [
        a_value(),
        a_value(disposition="ADV"),
        a_value(call_date_time=f"{DAY}T14:21:00.000"),
        a_value(crime_id="2"),
    ]
    calls = validated_records(kafka_frame(spark, values))

    found = filter_late_and_duplicates(calls, id="crime_id", watermark="10 minutes")
    kept = found.select("crime_id", "call_date_time")

    expected_df = spark.createDataFrame(
        [("182850001", f"{DAY}T14:20:00.000"), ("182850001", f"{DAY}T14:21:00.000"), ("2", f"{DAY}T14:20:00.000")],
        "crime_id string, call_date_time string",
    )
    assert_df_equality(kept, expected_df, ignore_row_order=True, ignore_nullable=True)


def test_rejected_records_are_kept_whole_with_their_reason(spark: SparkSession) -> None:
    records = kafka_frame(spark, [a_value(), b"\xff\x00junk", None])
    expected_df = spark.createDataFrame(
        [("calls", 0, 1, "not UTF-8", bytearray(b"\xff\x00junk")), ("calls", 0, 2, "no value", None)],
        "topic string, partition int, offset bigint, reason string, value binary",
    )

    actual_df = rejected_records(records)

    assert_df_equality(actual_df, expected_df, ignore_row_order=True, ignore_nullable=True)


class StreamOfFiles:
    """A stream whose every micro-batch is what was written since the one before; collects the last count per key."""

    def __init__(self, spark: SparkSession, folder: Path, watermark: str) -> None:
        self._spark, self._source = spark, folder / "source"
        self._source.mkdir()
        self._written = 0
        self.counts: dict[tuple[str, str, str], int] = {}
        records = spark.readStream.schema(KAFKA_SCHEMA).parquet(str(self._source))
        self.query = (
            call_counts(records, window="30 minutes", watermark=watermark)
            .writeStream.outputMode("update")
            .option("checkpointLocation", str(folder / "checkpoint"))
            .foreachBatch(self._collect)
            .start()
        )

    def _collect(self, frame: DataFrame, _: int) -> None:
        for row in frame.collect():
            self.counts[f"{row.window_start:%H:%M}", row.crime_type, row.resolution] = row.calls

    def feed(self, *values: bytes) -> None:
        part = self._source.parent / f"{self._written}"
        kafka_frame(self._spark, list(values)).coalesce(1).write.parquet(str(part))
        for file in part.glob("part-*.parquet"):
            file.rename(self._source / f"{self._written}-{file.name}")
        self._written += 1
        self.query.processAllAvailable()

    def dropped_as_late(self) -> int:
        operators = [operator for progress in self.query.recentProgress for operator in progress.stateOperators]
        return sum(operator.numRowsDroppedByWatermark for operator in operators)


@pytest.fixture
def stream(spark: SparkSession, tmp_path: Path) -> Iterator[StreamOfFiles]:
    stream = StreamOfFiles(spark, tmp_path, "10 minutes")
    yield stream
    stream.query.stop()


def at(minute: str, crime_id: str) -> bytes:
    return a_value(crime_id=crime_id, call_date_time=f"{DAY}T{minute}:00.000")


def test_a_call_within_the_watermark_counts_and_a_later_one_is_late(stream: StreamOfFiles) -> None:
    stream.feed(at("14:00", "1"), at("15:00", "2"))
    stream.feed(at("15:00", "3"))  # lateness is measured by the watermark of the batch before
    stream.feed(at("14:51", "4"), at("14:50", "5"))  # it is at 14:50: what is not after it is late

    assert stream.counts == {
        ("14:00", "Traffic Stop", "Handled"): 1,
        ("14:30", "Traffic Stop", "Handled"): 1,
        ("15:00", "Traffic Stop", "Handled"): 2,
    }
    assert stream.dropped_as_late() == 1


def test_a_duplicate_in_a_later_batch_is_dropped_within_the_watermark(stream: StreamOfFiles) -> None:
    stream.feed(at("14:55", "1"))
    stream.feed(at("14:55", "1"), at("15:00", "2"))

    assert stream.counts == {("14:30", "Traffic Stop", "Handled"): 1, ("15:00", "Traffic Stop", "Handled"): 1}
    assert stream.dropped_as_late() == 0


def test_a_record_from_the_future_among_good_ones_moves_no_watermark(stream: StreamOfFiles) -> None:
    stream.feed(
        at("14:00", "1"),
        a_value(crime_id="9", call_date_time=f"{PRODUCED + timedelta(days=400):%Y-%m-%dT%H:%M:%S}.000"),
    )
    stream.feed(at("14:01", "2"))

    assert stream.counts == {("14:00", "Traffic Stop", "Handled"): 2}


def test_newest_first_loses_calls_and_event_order_does_not(spark: SparkSession, tmp_path: Path) -> None:
    oldest_first = fixture_values()
    late = {}
    for name, values in (("newest first", oldest_first[::-1]), ("event order", oldest_first)):
        folder = tmp_path / name
        folder.mkdir()
        stream = StreamOfFiles(spark, folder, "10 minutes")
        try:
            for start in range(0, len(values), 4):
                stream.feed(*values[start : start + 4])
            late[name] = stream.dropped_as_late()
        finally:
            stream.query.stop()

    # Four a batch: after the first, the watermark is at 23:50, and all three calls of the third are before it.
    assert late == {"newest first": 3, "event order": 0}
