"""What docs/how-it-compares.md says of Real-Time Mode: what it refuses, and what comes out where it runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from kafka.admin import KafkaAdminClient
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks import real_time
from benchmarks.real_time import MASTER, RATE, TOO_FEW, Run
from sf_police.calls import QUESTION
from sf_police.question import EVENT_TIME
from sf_police.stream.pipeline import accepted_rows, validated_records
from sf_police.stream.source import kafka_source_options
from tests.support.environment import ROOT
from tests.support.job import Job
from tests.support.question import resolve

PAGE = (ROOT / "docs" / "how-it-compares.md").read_text("utf-8")
# What the page says is refused, and the condition of the error.
REFUSED = re.findall(r"^\| ([^|]+) \| `([A-Z_.]+)` \|", PAGE, re.MULTILINE)
WATERMARK = "10 minutes"


def counted(records: DataFrame) -> DataFrame:
    rows = validated_records(records, question=QUESTION).withWatermark(EVENT_TIME, WATERMARK)
    return rows.groupBy(F.window(EVENT_TIME, "30 minutes")).count()


def in_one_task(records: DataFrame) -> DataFrame:
    return validated_records(records, question=QUESTION).coalesce(1)


def without_duplicates(records: DataFrame) -> DataFrame:
    return accepted_rows(records, question=QUESTION, watermark=WATERMARK)


TRIED: dict[str, Callable[[Any, DataFrame], Any]] = {
    "append mode": lambda out, records: out(records),
    "`foreachBatch`, which our store needs": lambda _, records: records.writeStream.foreachBatch(
        lambda frame, _: frame.collect()
    ),
    "our steps that drop late calls and duplicates": lambda out, records: out(without_duplicates(records)),
    "counts by window": lambda out, records: out(counted(records)),
    "all rows in one task, as we run small micro-batches": lambda out, records: out(in_one_task(records)),
    "another source than Kafka, here `rate`": lambda out, records: out(
        records.sparkSession.readStream.format("rate").load()
    ),
    "batches shorter than 5 seconds": lambda out, records: out(records),
}


def test_the_page_has_what_is_tried_here() -> None:
    assert [what for what, _ in REFUSED] == list(TRIED)


def test_spark_refuses_what_the_page_says_with_the_condition_that_it_says(
    session: SparkSession, make_job: Callable[..., Job]
) -> None:
    job = make_job(partitions=1)
    config = resolve({"kafka_bootstrap_servers": job.kafka, "kafka_topic": job.topic, "state_dir": str(job.state)})
    options = {k: v for k, v in kafka_source_options(config).items() if k not in real_time.OF_MICRO_BATCHES}
    records = session.readStream.format("kafka").options(**options).load()

    def out(frame: DataFrame) -> Any:
        value = F.to_json(F.struct("*")).alias("value")
        writer = frame.select(value).writeStream.format("kafka").option("topic", job.topic)
        return writer.option("kafka.bootstrap.servers", job.kafka)

    found = {}
    for number, (what, made) in enumerate(TRIED.items()):
        writer = made(out, records).option("checkpointLocation", str(job.state / f"checkpoint-{number}"))
        found[what] = condition(writer, append="append" in what, seconds=4 if "shorter" in what else 5)

    assert found == dict(REFUSED)


def condition(writer: Any, *, append: bool, seconds: int) -> str:
    """The condition of the error with which Spark refuses the query, at its start or with its first batch."""
    writer = writer.outputMode("append" if append else "update").trigger(realTime=f"{seconds} seconds")
    with pytest.raises(PySparkException) as refused:
        run_for_long(writer)
    [name] = set(re.findall(r"\[(\w*STREAMING_REAL_TIME_MODE[\w.]*)\]", str(refused.value)))
    return name


def run_for_long(writer: Any) -> None:
    query = writer.start()
    try:
        query.awaitTermination(120)
    finally:
        query.stop()


def ran(job: Job, way: str, *, master: str, count: int) -> dict[str, Any]:
    folder = str(job.state)
    run = Run(job.kafka, job.topic, way, master, warm_up=count // 2, count=count, folder=folder)
    try:
        return real_time.in_a_process(run)
    finally:
        with closing(KafkaAdminClient(bootstrap_servers=job.kafka)) as admin:
            admin.delete_topics(sorted(set(run.topics[1:]) & set(admin.list_topics())))


@pytest.mark.parametrize("way", ["micro-batch", "Real-Time Mode, batches of 5 s"])
def test_each_record_comes_out_once_with_its_verdict(job: Job, way: str) -> None:
    found = ran(job, way, master=MASTER, count=3 * RATE)

    assert found["records"] == 1_500


def test_a_partition_without_a_task_is_not_read_at_all(job: Job) -> None:
    found = ran(job, "Real-Time Mode, batches of 5 s", master=TOO_FEW, count=3 * RATE)

    assert found == {"sent": 3_000, "came_out": 2_000}
