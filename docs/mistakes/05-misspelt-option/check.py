"""Starts a stream on a topic with 20,000 calls, and counts the records that it reads."""

from __future__ import annotations

from types import SimpleNamespace

from docs.mistakes.bench import CALLS, Bench, records
from docs.mistakes.lesson import Result, lost

HINT = "compare each name with Spark's list of the Kafka source's options, letter by letter"


def check(file: SimpleNamespace, bench: Bench) -> Result:
    """Read the topic with the file's options."""
    topic = bench.topic(partitions=3)
    bench.send(records()[:CALLS], topic, partitions=3)
    options = file.source_options(bench.servers, topic)
    read = bench.count(bench.spark.readStream.format("kafka").options(**options).load())
    return lost(CALLS - read, CALLS)
