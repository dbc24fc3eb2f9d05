"""Sends 2,000 calls to 8 partitions, and counts them in micro-batches of 80, with a watermark of 10 minutes."""

from __future__ import annotations

from types import SimpleNamespace

from docs.mistakes.bench import Bench, records
from docs.mistakes.lesson import Result, lost
from sf_police.calls import QUESTION
from sf_police.config import resolve
from sf_police.stream.pipeline import accepted_rows
from sf_police.stream.source import kafka_source_options

CALLS, PARTITIONS, OFFSETS = 2_000, 8, 80
HINT = "a micro-batch reads from each partition in proportion to what is left there, and there is one watermark for all"


def check(file: SimpleNamespace, bench: Bench) -> Result:
    """Send the calls, and see how many are counted."""
    topic = bench.topic(PARTITIONS)
    file.send_all(records(CALLS), bench.servers, topic)
    settings = {"kafka_bootstrap_servers": bench.servers, "kafka_topic": topic, "max_offsets_per_trigger": str(OFFSETS)}
    options = kafka_source_options(resolve(settings, QUESTION.defaults))
    stream = bench.spark.readStream.format("kafka").options(**options).load()
    counted = bench.count(accepted_rows(stream, question=QUESTION, watermark="10 minutes", in_one_task=True))
    return lost(CALLS - counted, CALLS)
