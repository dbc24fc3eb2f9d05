"""Ours without duplicate removal, to compare like with like: source, strict parser, checkpoint and store are our own.

What to count, and into which store, is set by environment variables.
"""

from contextlib import closing

from pyspark.sql import DataFrame

from benchmarks.common import config_with
from benchmarks.peers.counting import say_counted
from sf_police.calls import QUESTION
from sf_police.question import EVENT_TIME
from sf_police.spark.session import stop_session
from sf_police.store.database import open_database
from sf_police.store.tables import Batch
from sf_police.store.writer import StoreWriter
from sf_police.stream import pipeline, query, startup
from sf_police.topic import admin
from sf_police.topic.clients import kafka_access


def keep_duplicates(rows: DataFrame, *, id: str, watermark: str, in_one_task: bool) -> DataFrame:
    """Set the watermark only, in place of `filter_late_and_duplicates`."""
    assert not in_one_task
    return rows.withWatermark(EVENT_TIME, watermark)


pipeline.filter_late_and_duplicates = keep_duplicates
config = config_with()
with closing(open_database(config.store, QUESTION)) as database:
    topic = admin.describe_topic(kafka_access(config), config.kafka_topic)
    config, session = startup.start_session(config, topic, database, say=print)

    def write(counts: DataFrame, batch_id: int) -> None:
        """Write the counts to the store; the books depend on duplicate removal, and stay empty."""
        batch = Batch("", batch_id, {}, {}, 0, 0, 0, 0, 0, None, 0.0)
        StoreWriter(database).write_batch(batch, counts.toArrow(), ())
        say_counted()

    try:
        query.counts_stream(session, config, QUESTION).foreachBatch(write).start().awaitTermination()
    finally:
        stop_session(session)
