"""Calls, Kafka-shaped rows and micro-batches with every field defaulted: a test names only what it is about."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from sf_police.calls import QUESTION
from sf_police.store.tables import Batch

KAFKA_SCHEMA = "value binary, topic string, partition int, offset bigint, timestamp timestamp"
PRODUCED = datetime(2026, 1, 1, tzinfo=UTC)


def a_call(**fields: Any) -> dict[str, Any]:
    """A call; a field given as `...` is left out."""
    call = {
        **dict.fromkeys((field.name for field in QUESTION.fields), "x"),
        "crime_id": "182850001",
        "original_crime_type_name": "Traffic Stop",
        "call_date_time": "2018-10-12T14:20:00.000",
        "disposition": "HAN",
        **fields,
    }
    return {name: value for name, value in call.items() if value is not ...}


def a_value(**fields: Any) -> bytes:
    return json.dumps(a_call(**fields), separators=(",", ":"), ensure_ascii=False).encode()


def kafka_frame(spark: SparkSession, values: list[bytes | None], timestamp: datetime = PRODUCED) -> DataFrame:
    rows = [(None if v is None else bytearray(v), "calls", 0, offset, timestamp) for offset, v in enumerate(values)]
    return spark.createDataFrame(rows, KAFKA_SCHEMA)


def a_batch(batch_id: int = 0, **values: Any) -> Batch:
    numbers = {"read": 0, "counted": 0, "duplicates": 0, "late": 0, "rejected": 0, **values}
    start, end = {"0": 10 * batch_id}, {"0": 10 * batch_id + numbers["read"]}
    return Batch("query", batch_id, start, end, **numbers, watermark=datetime(2018, 10, 12, 14), seconds=0.5)


def a_counts_table(rows: Iterable[tuple[str, str, str, str, int]]) -> pa.Table:
    """Rows of `counts` as Spark gives them: (window start, window end, crime type, resolution, calls)."""
    time = pa.timestamp("us", tz="UTC")
    schema = pa.schema(zip(QUESTION.stored_columns, (time, time, pa.string(), pa.string(), pa.int64()), strict=True))
    times = [(datetime.fromisoformat(start), datetime.fromisoformat(end), *rest) for start, end, *rest in rows]
    return pa.Table.from_pylist([dict(zip(QUESTION.stored_columns, row, strict=True)) for row in times], schema)
