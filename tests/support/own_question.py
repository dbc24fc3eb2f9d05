"""Any question on a few records of a file: what is counted, and what its views answer. For questions' own tests."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from sf_police.produce.json_files import read_records
from sf_police.produce.records import event_records
from sf_police.question import Question
from sf_police.store.answers import StoreReader
from sf_police.store.database import open_database
from sf_police.store.views import queries
from sf_police.store.writer import StoreWriter
from sf_police.stream.pipeline import accepted_rows, added_counts, rejected_records, validated_records
from sf_police.stream.transformations import filter_rejected, with_hashes
from tests.support.builders import a_batch, kafka_frame


def records_of(spark: SparkSession, question: Question, file: Path) -> DataFrame:
    """A file's records as Kafka's source has them, in the order of events, sent just now."""
    found = read_records(file, required=question.required)
    return kafka_frame(spark, [record.value for record in event_records(found, question)], datetime.now(UTC))


def counted(spark: SparkSession, question: Question, file: Path) -> tuple[list[tuple[Any, ...]], list[str]]:
    """The rows of `counts` that a file's records yield, in order, and why the others are rejected."""
    records, defaults = records_of(spark, question, file), question.defaults
    rows = accepted_rows(records, question=question, watermark=defaults.watermark)
    counts = added_counts(rows, question=question, window=defaults.window).select(*question.stored_columns)
    reasons = [row.reason for row in rejected_records(records, question=question).collect()]
    return sorted(tuple(row) for row in counts.collect()), sorted(reasons)


def answered(
    spark: SparkSession, question: Question, view: str, counts: Sequence[tuple[Any, ...]], folder: Path
) -> list[dict[str, Any]]:
    """A view's rows over some counts (decimals as scaled integers), by SQLite; Spark has to answer the same.

    They are in the order that `answer` has: windows by time, others by how frequent they are, then by name.
    """
    types = [*(each.type for each in question.groups), *("integer" for _ in question.added_columns)]
    kinds = ["timestamp", "timestamp", *("string" if each == "string" else "bigint" for each in types)]
    schema = ", ".join(f"{name} {kind}" for name, kind in zip(question.stored_columns, kinds, strict=True))
    counts_df = spark.createDataFrame(list(counts), schema)
    counts_df.createOrReplaceTempView("counts")
    by_spark = [row.asDict() for row in spark.sql(queries(question.answers)[view]).collect()]
    with closing(open_database(f"sqlite:///{folder / f'{view}.db'}", question)) as database:
        database.create()
        writer, reader = StoreWriter(database), StoreReader(database)
        writer.adopt_stream("query", {})
        number = sum(row[len(question.groups) + 2] for row in counts)
        added = counts_df.transform(with_hashes, question=question).toArrow()
        writer.write_batch(a_batch(read=number, counted=number), added, [])
        found = [dict(row) for row in reader.answer(view)]
        assert sorted((reader.shown(row) for row in by_spark), key=repr) == sorted(found, key=repr)
    return found


def grouped_alike(spark: SparkSession, question: Question, file: Path) -> bool:
    """Whether there are accepted records in a file, and `groups_of` says of each what Spark counts it under."""
    assert question.groups_of is not None
    judged = validated_records(records_of(spark, question, file), question=question)
    rows = judged.transform(filter_rejected, question=question).transform(question.accepted).collect()
    for row in rows:
        groups = tuple(row[group.name] for group in question.groups)
        found = question.groups_of(row.asDict())
        assert found == groups, f"groups_of says {found}, Spark counts under {groups}: {row.asDict()}"
    return bool(rows)
