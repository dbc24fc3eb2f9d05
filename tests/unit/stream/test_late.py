"""Which records were late: at or before the watermark of their micro-batch, by partition and offset."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from pyspark.sql import SparkSession

from sf_police.calls import QUESTION
from sf_police.errors import SfPoliceError
from sf_police.store.tables import Batch
from sf_police.stream.late import (
    SPAN_COLUMNS,
    LateBatch,
    LateRecord,
    _checked,
    _late_record,
    _spans,
    late_records,
    newest_records,
)
from tests.support.builders import a_batch, a_value, kafka_frame

FOURTEEN = datetime(2018, 10, 12, 14)


def at(minutes: str) -> bytes:
    return a_value(call_date_time=f"2018-10-12T{minutes}:00.000")


@pytest.mark.usefixtures("zone")
def test_late_is_at_or_before_the_watermark_of_the_records_own_batch(spark: SparkSession) -> None:
    records = kafka_frame(
        spark, [at("13:59"), at("14:00"), b"junk", at("14:01"), at("14:00"), at("13:00"), at("13:30"), at("15:00")]
    )
    batches = [
        a_batch_of(3, {"0": (0, 4), "1": (0, 8)}, FOURTEEN), a_batch_of(4, {"0": (4, 5)}, None),
        a_batch_of(5, {"0": (5, 6)}, datetime(2018, 10, 12, 12)),
        a_batch_of(6, {"0": (6, 8)}, datetime(2018, 10, 12, 14, 30)),
    ]  # fmt: skip
    spans = spark.createDataFrame([span for batch in batches for span in _spans(batch)], SPAN_COLUMNS)

    found = [
        (row["_batch_id"], _late_record(row, QUESTION))
        for row in late_records(records, spans, question=QUESTION).collect()
    ]

    assert [
        (batch_id, record.offset, f"{record.event_time:%H:%M}", record.late_by // timedelta(minutes=1))
        for batch_id, record in found
    ] == [(3, 0, "13:59", 1), (3, 1, "14:00", 0), (6, 6, "13:30", 60)]


def a_batch_of(batch_id: int, spans: dict[str, tuple[int, int]], watermark: datetime | None) -> Batch:
    start, end = ({number: span[place] for number, span in spans.items()} for place in (0, 1))
    return replace(a_batch(batch_id), start_offsets=start, end_offsets=end, watermark=watermark)


@pytest.fixture(params=["UTC", "America/Los_Angeles", "Asia/Kolkata"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The machine's time zone, which is nothing to an event time."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


def a_record(offset: int) -> LateRecord:
    return LateRecord(0, offset, FOURTEEN, timedelta(minutes=1), {}, b"")


def test_a_limit_takes_the_newest_records() -> None:
    found = [
        LateBatch(a_batch(1, late=2), [a_record(1), a_record(2)], 0),
        LateBatch(a_batch(2, late=3), [a_record(5), a_record(6)], 1),
    ]

    assert newest_records(found, None) == found
    cut = newest_records(found, 3)
    assert [[record.offset for record in each.records] for each in cut] == [[2], [5, 6]]
    assert [each.missing for each in cut] == [0, 1]
    assert [len(each.records) for each in newest_records(found, 1)] == [0, 1]


def test_records_that_retention_has_removed_are_missing() -> None:
    batch = a_batch(2, start=5, read=10, late=3)

    assert _checked(LateBatch(batch, [a_record(9)], 2), {"0": 8}).missing == 2


@pytest.mark.parametrize("missing", [1, -1], ids=["fewer", "more"])
def test_other_late_records_than_were_counted_are_an_error(missing: int) -> None:
    batch = a_batch(2, start=5, read=10, late=2)
    records = [a_record(n) for n in range(2 - missing)]

    with pytest.raises(SfPoliceError, match=f"micro-batch 2 had 2 late records, but {2 - missing} were found"):
        _checked(LateBatch(replace(batch), records, missing), {"0": 5})
