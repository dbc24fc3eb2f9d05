"""The topic counted again: each record in its micro-batch, late by its watermark, of duplicates one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sf_police.calls import QUESTION
from sf_police.errors import SfPoliceError
from sf_police.question import EVENT_TIME
from sf_police.store.tables import Batch
from sf_police.stream.recount import (
    BatchRecount,
    accepted_rows_of_batches,
    counted_keys,
    judged_records,
    spans_of,
)
from sf_police.stream.verifying import compare_batches, watermarks
from tests.support.builders import KAFKA_SCHEMA, PRODUCED, a_batch, a_value, kafka_frame

FOURTEEN = datetime(2018, 10, 12, 14)
DELAY = timedelta(minutes=10)


def at(minutes: str, **fields: Any) -> bytes:
    return a_value(call_date_time=f"2018-10-12T{minutes}:00.000", **fields)


def a_span(batch_id: int, spans: dict[str, tuple[int, int]], watermark: datetime | None = None) -> Batch:
    start, end = ({number: span[place] for number, span in spans.items()} for place in (0, 1))
    return replace(a_batch(batch_id), start_offsets=start, end_offsets=end, watermark=watermark)


def judged(spark: SparkSession, values: list[bytes | None], batches: list[Batch]) -> DataFrame:
    return judged_records(kafka_frame(spark, values), spans_of(spark, batches), question=QUESTION)


def test_each_record_is_judged_by_its_own_micro_batch_once(spark: SparkSession) -> None:
    values = [at("13:59"), at("14:00"), b"junk", at("14:01"), at("14:00"), at("13:00"), at("15:00")]
    batches = [
        a_span(3, {"0": (0, 4), "1": (0, 900)}, FOURTEEN), a_span(4, {"0": (4, 5), "1": (900, 901)}),
        a_span(5, {"0": (5, 5)}), a_span(6, {"0": (5, 6)}, FOURTEEN), a_span(7, {"0": (6, 7)}, FOURTEEN),
    ]  # fmt: skip

    rows = judged(spark, values, batches).orderBy("_offset").collect()

    assert [(row["_offset"], row["_batch_id"], row["_is_late"], row["reason"]) for row in rows] == [
        (0, 3, True, None), (1, 3, True, None), (2, 3, False, "not exactly one JSON object"), (3, 3, False, None),
        (4, 4, False, None), (5, 6, True, None), (6, 7, False, None),
    ]  # fmt: skip


def test_partitions_are_apart(spark: SparkSession) -> None:
    rows = [(bytearray(at("14:01")), "calls", number, offset, PRODUCED) for number in (0, 1) for offset in range(4)]
    spans = spans_of(spark, [a_span(0, {"0": (0, 1), "1": (0, 3)}), a_span(1, {"0": (1, 4), "1": (3, 4)})])

    found = judged_records(spark.createDataFrame(rows, KAFKA_SCHEMA), spans, question=QUESTION)

    rows = found.select("_partition", "_offset", "_batch_id").orderBy("_partition", "_offset").collect()
    assert [tuple(row) for row in rows] == [
        (0, 0, 0), (0, 1, 1), (0, 2, 1), (0, 3, 1), (1, 0, 0), (1, 1, 0), (1, 2, 0), (1, 3, 1),
    ]  # fmt: skip


def test_the_first_micro_batch_with_a_record_counts_one_of_those_that_are_alike(spark: SparkSession) -> None:
    values = [
        at("14:01", crime_id="a"), at("14:01", crime_id="b"), at("14:01", crime_id="b", disposition="CAN"),
        at("14:01", crime_id="b", disposition="22"), at("14:01", crime_id="c"),  # CAN and 22 mean the same
        at("14:01", crime_id="a", disposition="ARR"), at("14:02", crime_id="a"), at("13:00", crime_id="late"),
    ]  # fmt: skip
    batches = [a_span(0, {"0": (0, 5)}), a_span(1, {"0": (5, 8)}, FOURTEEN)]
    rows = accepted_rows_of_batches(judged(spark, values, batches), question=QUESTION)

    keys = counted_keys(rows, question=QUESTION).withColumn("_variants", F.sort_array("_variants"))

    found = keys.select("_id", F.date_format(EVENT_TIME, "HH:mm").alias("at"), "_batch_id", "_variants.resolution")
    assert sorted(tuple(row) for row in found.collect()) == [
        ("a", "14:01", 0, ["Handled"]), ("a", "14:02", 1, ["Handled"]), ("b", "14:01", 0, ["Cancel", "Handled"]),
        ("c", "14:01", 0, ["Handled"]),
    ]  # fmt: skip


def test_a_question_that_drops_columns_cannot_be_recounted(spark: SparkSession) -> None:
    question = replace(QUESTION, accepted=lambda rows: QUESTION.accepted(rows).drop("_batch_id"))

    with pytest.raises(SfPoliceError, match="drops columns that it does not know: add columns there, and drop none"):
        accepted_rows_of_batches(judged(spark, [at("14:00")], [a_span(0, {"0": (0, 1)})]), question=question)


def us(time: datetime) -> int:
    return (time - datetime(1970, 1, 1)) // timedelta(microseconds=1)


def test_a_watermark_follows_the_latest_time_of_the_micro_batches_before() -> None:
    batches = [a_batch(number) for number in range(4)]
    times = {0: FOURTEEN, 1: FOURTEEN - timedelta(hours=1), 3: FOURTEEN + timedelta(microseconds=1_999)}
    recounts = {n: BatchRecount(n, 1, 0, 0, 1, us(time)) for n, time in times.items()}

    found = watermarks([*batches, a_batch(4)], recounts, DELAY)

    ten_to = FOURTEEN - DELAY
    assert found == {0: None, 1: ten_to, 2: ten_to, 3: ten_to, 4: ten_to + timedelta(milliseconds=1)}


RECOUNTS = {n: BatchRecount(n, 5, 1, 1, 2, us(FOURTEEN)) for n in range(3)}
SOUND = [
    a_batch(n, read=5, rejected=1, late=1, counted=2, duplicates=1, watermark=w)
    for n, w in enumerate([None, None, FOURTEEN - DELAY])
]


@pytest.mark.parametrize(
    ("batch", "said"),
    [
        ({"read": 4}, "micro-batch 1: the store has read 4, the topic yields 5"),
        ({"counted": 3}, "micro-batch 1: the store has counted 3, the topic yields 2"),
        ({"duplicates": 0}, "micro-batch 1: the store has duplicates 0, the topic yields 1"),
        ({"late": 0}, "micro-batch 1: the store has late 0, the topic yields 1"),
        ({"rejected": 2}, "micro-batch 1: the store has rejected 2, the topic yields 1"),
    ],
)  # fmt: skip
def test_books_that_do_not_follow_from_the_records_are_a_difference(batch: dict[str, Any], said: str) -> None:
    batches = [SOUND[0], replace(SOUND[1], **batch), SOUND[2]]
    planned = watermarks(batches, RECOUNTS, DELAY)

    assert compare_batches(SOUND, RECOUNTS, planned, question=QUESTION).difference is None
    assert compare_batches(batches, RECOUNTS, planned, question=QUESTION).difference == said


def test_a_watermark_that_does_not_follow_is_a_difference() -> None:
    batches = [*SOUND[:2], replace(SOUND[2], watermark=FOURTEEN)]

    found = compare_batches(batches, RECOUNTS, watermarks(batches, RECOUNTS, DELAY), question=QUESTION)

    assert found.difference == (
        "micro-batch 2: the store has the watermark 2018-10-12 14:00:00, the topic yields 2018-10-12 13:50:00"
    )
