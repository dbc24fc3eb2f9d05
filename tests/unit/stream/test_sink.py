"""What the stream asks of the topic, and what it gives to the store: without a stream."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from sf_police.calls import schema
from sf_police.config import resolve
from sf_police.stream.sink import count_rows, kafka_source_options

ALWAYS = {
    "kafka.bootstrap.servers": "localhost:9092",
    "subscribe": "udacity_projects.sf_crime_rate.pd_calls_for_service",
    "failOnDataLoss": "true",
    "kafka.max.partition.fetch.bytes": "4194304",
    "kafka.fetch.max.wait.ms": "1",
    "kafka.max.poll.records": "5000",
    "startingOffsets": "earliest",
    "maxRecordsPerPartition": "50000",
}


@pytest.mark.parametrize(
    ("settings", "more"),
    [({}, {}), ({"max_offsets_per_trigger": "200"}, {"maxOffsetsPerTrigger": "200"})],
    ids=["no cap", "a cap"],
)
def test_the_sources_options_are_just_these(settings: dict[str, str], more: dict[str, str]) -> None:
    assert kafka_source_options(resolve(settings)) == {**ALWAYS, **more}


def a_row(hour: int, crime_type: str) -> dict[str, Any]:
    start = datetime(2018, 12, 31, hour, tzinfo=UTC)
    values = (start, start.replace(minute=30), crime_type, "Handled", hour)
    return dict(zip(schema.COUNTS, values, strict=True))


def test_rows_for_the_store_are_wall_clock_and_by_window() -> None:
    hours = [hour % 24 for hour in range(0, 24 * 7 * 500, 7)]
    table = pa.Table.from_pylist([a_row(hour, f"type {number}") for number, hour in enumerate(hours)])

    rows = list(count_rows(table))

    expected = [
        (f"2018-12-31 {hour:02}:00:00", f"2018-12-31 {hour:02}:30:00", f"type {number}", "Handled", hour)
        for number, hour in enumerate(hours)
    ]
    assert sorted(rows) == sorted(expected)
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)


def test_no_counts_are_no_rows() -> None:
    table = pa.Table.from_pylist([a_row(0, "a type")]).slice(0, 0)
    assert list(count_rows(table)) == []
