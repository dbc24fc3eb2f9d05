"""Ours without duplicate removal, as all the others count: source, strict parser, checkpoint and store are our own.

What to count, and where to, are settings of the environment.
"""

from contextlib import closing

from pyspark.sql import DataFrame

from benchmarks.common import config_with
from benchmarks.peers.counting import say_counted
from sf_police.calls import pipeline, schema
from sf_police.spark.session import stop_session
from sf_police.store import writer as store
from sf_police.store.tables import Batch
from sf_police.stream import compatibility, sink
from sf_police.topic import admin
from sf_police.topic.clients import kafka_access


def keep_repeats(calls: DataFrame, *, watermark: str, in_one_task: bool) -> DataFrame:
    """In place of `filter_repeats`."""
    assert not in_one_task
    return calls.withWatermark(schema.EVENT_TIME, watermark)


pipeline.filter_repeats = keep_repeats
config = config_with()
with closing(store.open_store(config.store)) as open_store:
    topic = admin.describe_topic(kafka_access(config), config.kafka_topic)
    config, session = compatibility.guarded_session(config, topic, open_store, say=print)

    def write(counts: DataFrame, batch_id: int) -> None:
        """Put the counts into the store; the books are of duplicate removal, and stay empty."""
        batch = Batch("", batch_id, {}, {}, 0, 0, 0, 0, 0, None, 0.0)
        open_store.write_batch(batch, sink.count_rows(counts.toArrow()), ())
        say_counted()

    try:
        sink.counts_stream(session, config).foreachBatch(write).start().awaitTermination()
    finally:
        stop_session(session)
