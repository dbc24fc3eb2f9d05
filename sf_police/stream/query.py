"""The streaming query: defines it without a sink, and runs it into the store. What it counts is in `pipeline.py`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Final

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from sf_police.config import Config
from sf_police.errors import LostStoreError, SfPoliceError, UnbalancedBatchError
from sf_police.question import Question
from sf_police.spark.failures import failure
from sf_police.spark.log import SparkLog
from sf_police.store.retry import Retry
from sf_police.store.tables import BatchReport
from sf_police.store.writer import StoreWriter
from sf_police.stream.filesystems import spark_location
from sf_police.stream.guard import BatchGuard
from sf_police.stream.pipeline import accepted_rows
from sf_police.stream.query_state import QueryState
from sf_police.stream.sink import StoreSink
from sf_police.stream.source import kafka_source_options
from sf_police.topic.clients import kafka_access
from sf_police.topic.watch import TopicWatch

_POLL_S: Final = 0.2
_MOST_REPLAYS: Final = 3


def accepted_stream(session: SparkSession, config: Config, question: Question) -> DataStreamWriter:
    """Define the query, not started and without a sink."""
    records = session.readStream.format("kafka").options(**kafka_source_options(config)).load()
    rows = accepted_rows(
        records,
        question=question,
        watermark=config.watermark,
        max_ahead=config.max_ahead,
        in_one_task=config.runs_in_one_task,
    )
    # The name by which Spark's UI and its metrics show the query.
    writer = rows.writeStream.queryName(question.name).outputMode("append")
    writer = writer.option("checkpointLocation", spark_location(config.checkpoint))
    return writer.trigger(availableNow=True) if config.until_end else writer.trigger(processingTime=config.trigger)


def run_stream(
    session: SparkSession,
    config: Config,
    question: Question,
    store: StoreWriter,
    *,
    on_batch: Callable[[BatchReport], None],
    is_stopped: Callable[[], bool],
    say: Callable[[str], None] = lambda _: None,
    state: QueryState | None = None,
) -> None:
    """Run the query into the store until the end of the topic (`until_end`) or until `is_stopped()`; tell `state`.

    Raises:
        SfPoliceError: the query failed; what was committed is kept, and the next run resumes from there.
    """
    state, log, replays = state or QueryState(), SparkLog(config.state_dir), 0

    def on_stored(report: BatchReport) -> None:
        nonlocal replays
        replays = 0  # a stream for years may lose many executors, but not one batch again and again
        state.has_stored = True
        on_batch(report)

    def on_look() -> None:
        state.hear()
        log.trim()

    watch = TopicWatch(kafka_access(config), config.kafka_topic, is_stopped=is_stopped)
    with state.watched(), closing(BatchGuard(config, store, watch, say=say)) as guard:
        retry = Retry(config.store_retry, say=say, is_stopped=is_stopped)
        sink = StoreSink(session, config, question, store, guard, retry=retry, on_batch=on_stored)
        while True:
            try:
                _run(accepted_stream(session, config, question), sink, is_stopped, on_look)
                return
            except UnbalancedBatchError as error:
                replays += 1
                if replays > _MOST_REPLAYS:
                    raise
                # Nothing of the batch is stored, so the query resumes with it.
                say(f"{error.what}; running it again")


def _run(rows: DataStreamWriter, sink: StoreSink, is_stopped: Callable[[], bool], on_look: Callable[[], None]) -> None:
    sink.error = None
    try:
        query = rows.foreachBatch(sink.write).start()
        while not query.awaitTermination(_POLL_S):  # type: ignore[arg-type] # a fraction is fine
            on_look()
            if is_stopped():
                query.stop()
    except (PySparkException, Py4JJavaError) as error:
        # Who was asked to end, and could not store its batch, says so: the answer is out of reach, too.
        if not is_stopped() or isinstance(sink.error, LostStoreError):
            raise sink.error or failure(error) from error
    except (Py4JError, OSError) as error:
        # A signal to the process group kills the JVM, too.
        if not is_stopped():
            raise SfPoliceError(
                "Spark's JVM ended while the stream was running", remedy="see spark.log, then run again"
            ) from error
