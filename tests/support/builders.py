"""Calls, Kafka-shaped rows and micro-batches with every field defaulted: a test names only what it is about."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from sf_police.calls import QUESTION
from sf_police.question import Question
from sf_police.store.answers import StoreReader
from sf_police.store.database import Database
from sf_police.store.digest import digest_of_rows, hash_column
from sf_police.store.tables import Batch
from sf_police.store.writer import StoreWriter

KAFKA_SCHEMA = "value binary, topic string, partition int, offset bigint, timestamp timestamp"
BOOKS = ("counted", "duplicates", "late", "rejected")
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


def a_batch(batch_id: int = 0, *, start: int = 0, offsets: int | None = None, **values: Any) -> Batch:
    """A batch of one partition that starts at an offset and has no gap, unless `offsets` says how many it spans."""
    numbers = {"read": 0, "counted": 0, "duplicates": 0, "late": 0, "rejected": 0, **values}
    end = start + (numbers["read"] if offsets is None else offsets)
    own = {"query_id": "query", "watermark": datetime(2018, 10, 12, 14), "seconds": 0.5, **numbers}
    return Batch(batch_id=batch_id, start_offsets={"0": start}, end_offsets={"0": end}, **own)


Counts = Iterable[tuple[Any, ...]]


def a_counts_table(rows: Counts, question: Question = QUESTION) -> pa.Table:
    """What Spark adds to `counts`, with hashes: (window start, window end, the groups, their records, the sums)."""
    time, names, groups = pa.timestamp("us", tz="UTC"), question.stored_columns, len(question.groups)
    types = [time, time, *(pa.string() if each.type == "string" else pa.int64() for each in question.groups)]
    hashes = [hash_column(name) for name in question.added_columns]
    schema = pa.schema(zip((*names, *hashes), types + [pa.int64()] * (2 * len(hashes)), strict=True))
    times = [
        (datetime.fromisoformat(str(start)), datetime.fromisoformat(str(end)), *rest) for start, end, *rest in rows
    ]
    hashed = [
        (*row, *(digest_of_rows([(row[0], row[1], row[2 : 2 + groups], [1])], [n]) for n in question.added_columns))
        for row in times
    ]
    return pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in hashed], schema)


def store_batch(
    database: Database,
    counts: Counts = (),
    rejected: Iterable[Mapping[str, Any]] = (),
    retention: timedelta | None = None,
    **numbers: Any,
) -> Batch:
    """Store the next batch of the stream `query`, which adopts a new store; it has read what became of its records.

    `read`, or another number, makes the books what the test says they are.
    """
    writer, reader = StoreWriter(database, retention), StoreReader(database)
    counts, rejected = list(counts), list(rejected)
    if reader.stream() is None:
        writer.adopt_stream(numbers.get("query_id", "query"), {})
    last = next(iter(reader.last_batches(1)), None)
    place = 2 + len(database.question.groups)
    became = {"counted": sum(row[place] for row in counts), "rejected": len(rejected), **numbers}
    batch = a_batch(
        last.batch_id + 1 if last else 0,
        start=last.end_offsets["0"] if last else 0,
        **{"read": sum(value for name, value in became.items() if name in BOOKS), **became},
    )
    writer.write_batch(batch, a_counts_table(counts, database.question), rejected)
    return batch
