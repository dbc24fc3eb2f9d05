"""Calls, Kafka-shaped rows and micro-batches with every field defaulted: a test names only what it is about."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from sf_police.calls.schema import FIELDS
from sf_police.store.tables import Batch

KAFKA_SCHEMA = "value binary, topic string, partition int, offset bigint, timestamp timestamp"
PRODUCED = datetime(2026, 1, 1, tzinfo=UTC)


def a_call(**fields: Any) -> dict[str, Any]:
    """A call; a field given as `...` is left out."""
    call = {
        **dict.fromkeys(FIELDS, "x"),
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
