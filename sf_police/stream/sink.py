"""The streaming query: Kafka source, pipeline, the store as its sink. Only this file reads or writes streams."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from py4j.protocol import Py4JError
from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery
from pyspark.sql.streaming.readwriter import DataStreamWriter

from sf_police.calls import schema
from sf_police.calls.pipeline import call_counts, rejected_records
from sf_police.config import Config
from sf_police.errors import SfPoliceError
from sf_police.store.tables import Batch, Offsets
from sf_police.store.writer import Store
from sf_police.stream.executed_plan import BatchMetrics, ExecutedPlan
from sf_police.topic.client_properties import read_properties, spark_options

# What a task reads, compressed, or a part of it: the next task of that partition asks for the rest again.
_FETCH_BYTES: Final = 4 << 20
# A micro-batch reads what is there. A consumer at its end asks for more all the same, and what Spark has it ask next
# (where the partition starts and ends, after every fetch) waits behind that: Kafka's 500 ms, or until more comes.
_FETCH_WAIT_MS: Final = 1
_POLL_RECORDS: Final = 5_000
_POLL_S: Final = 0.2
_RECORDS_IN_A_TASK: Final = 50_000
_ROWS_AT_ONCE: Final = 5_000


@dataclass(frozen=True)
class BatchReport:
    """A stored micro-batch, and what is not for the books: records still to read, and rows of state held."""

    batch: Batch
    behind: int | None  # None: not known, in a batch that is replayed
    state_rows: int


def kafka_reader_options(config: Config) -> dict[str, str]:
    """Options of every read from the topic. Spark ignores an option it does not know, so a test lists these."""
    path = config.kafka_client_properties
    return {
        "kafka.bootstrap.servers": config.kafka_bootstrap_servers,
        "subscribe": config.kafka_topic,
        # Records that are gone before they were read are an error, never a gap in silence.
        "failOnDataLoss": "true",
        "kafka.max.partition.fetch.bytes": str(_FETCH_BYTES),
        "kafka.fetch.max.wait.ms": str(_FETCH_WAIT_MS),
        "kafka.max.poll.records": str(_POLL_RECORDS),
        **(spark_options(read_properties(path)) if path else {}),
    }


def kafka_source_options(config: Config) -> dict[str, str]:
    """Options of the stream's source."""
    options = {
        **kafka_reader_options(config),
        "startingOffsets": config.starting_offsets,
        # Three partitions on two cores would leave one idle for a third of a large batch.
        "maxRecordsPerPartition": str(_RECORDS_IN_A_TASK),
    }
    if config.max_offsets_per_trigger:
        options["maxOffsetsPerTrigger"] = str(config.max_offsets_per_trigger)
    return options


def counts_stream(session: SparkSession, config: Config) -> DataStreamWriter:
    """The query, defined but not started, and without a sink."""
    records = session.readStream.format("kafka").options(**kafka_source_options(config)).load()
    in_one_task = config.has_small_batches and config.state_partitions == 1
    counts = call_counts(records, window=config.window, watermark=config.watermark, in_one_task=in_one_task)
    writer = counts.writeStream.outputMode("update").option("checkpointLocation", config.checkpoint)
    return writer.trigger(availableNow=True) if config.until_end else writer.trigger(processingTime=config.trigger)


def run_stream(
    session: SparkSession,
    config: Config,
    store: Store,
    *,
    on_batch: Callable[[BatchReport], None],
    is_stopped: Callable[[], bool],
) -> None:
    """Run the query into the store until the end of the topic (`until_end`) or until `is_stopped` says so.

    Raises:
        SfPoliceError: the query failed; what was committed stays, and running again goes on from there.
    """
    sink = _StoreSink(session, config, store, on_batch)
    query = counts_stream(session, config).foreachBatch(sink.write).start()
    try:
        while not query.awaitTermination(_POLL_S):  # type: ignore[arg-type] # a fraction is fine
            if is_stopped():
                query.stop()
    except StreamingQueryException as error:
        if not is_stopped():
            raise sink.error or _failure(error) from error
    except (Py4JError, OSError) as error:
        # Whoever ended all processes of the group ended the JVM, too.
        if not is_stopped():
            raise SfPoliceError("Spark's JVM has ended under the stream: see spark.log, then run again") from error


class _StoreSink:
    """`foreachBatch`: a frame of counts and its batch's books, into the store in one transaction."""

    def __init__(
        self, session: SparkSession, config: Config, store: Store, on_batch: Callable[[BatchReport], None]
    ) -> None:
        self._session, self._config, self._store, self._on_batch = session, config, store, on_batch
        self._plan = ExecutedPlan()
        self.error: SfPoliceError | None = None

    def write(self, counts: DataFrame, batch_id: int) -> None:
        """Consume the whole frame, as Spark commits the state only then; never skip a batch that is replayed."""
        try:
            rows = count_rows(counts.toArrow())
            query = self._query()
            metrics = self._plan.metrics(query)
            batch = self._batch(query, batch_id, metrics)
            rejected = self._rejected(batch) if batch.rejected else iter(())
            self._store.write_batch(batch, rows, rejected)
            self._on_batch(BatchReport(batch, _behind(metrics, self._config.kafka_topic), metrics.state_rows))
        except SfPoliceError as error:
            self.error = error
            raise
        except Exception as error:
            self.error = _failure(error)  # Spark would say no more of it than that a function failed
            raise
        finally:
            # Py4J's objects are cycles, which Python comes round to collecting hundreds of micro-batches later; until
            # then the JVM would keep each frame, with its plan and what was shuffled for it.
            gateway: Any = self._session.sparkContext._gateway
            gateway.detach(counts._jdf)

    def _query(self) -> StreamingQuery:
        # Not the result of `start()`: the first batch may run before that returns.
        query_id = self._session.sparkContext.getLocalProperty("sql.streaming.queryId")
        query = self._session.streams.get(str(query_id))
        if query is None:
            raise SfPoliceError("the streaming query has ended under its own batch")
        return query

    def _batch(self, query: StreamingQuery, batch_id: int, metrics: BatchMetrics) -> Batch:
        topic = self._config.kafka_topic
        rejected = metrics.read - metrics.counted - metrics.duplicates - metrics.late
        end = (metrics.end_offsets or {}).get(topic, {})
        start = {partition: (metrics.start_offsets or {}).get(topic, {}).get(partition, 0) for partition in end}
        if rejected < 0 or metrics.read > sum(end.values()) - sum(start.values()):
            raise SfPoliceError(
                f"the books of batch {batch_id} do not balance: {metrics}; nothing was stored, run again"
            )
        return Batch(
            query_id=query.id,
            batch_id=batch_id,
            start_offsets=start,
            end_offsets=end,
            read=metrics.read,
            counted=metrics.counted,
            duplicates=metrics.duplicates,
            late=metrics.late,
            rejected=rejected,
            watermark=metrics.watermark,
            seconds=round(time.time() - metrics.started_ms / 1000, 3),
        )

    def _rejected(self, batch: Batch) -> Iterator[dict[str, Any]]:
        # The batch's own offsets are read a second time, and only when there is something to find.
        options = {
            **kafka_reader_options(self._config),
            "startingOffsets": _offsets_json(self._config, batch.start_offsets),
            "endingOffsets": _offsets_json(self._config, batch.end_offsets),
        }
        records = self._session.read.format("kafka").options(**options).load()
        for row in rejected_records(records).toLocalIterator():
            yield {**row.asDict(), schema.VALUE: None if row[schema.VALUE] is None else bytes(row[schema.VALUE])}


def _offsets_json(config: Config, offsets: Offsets) -> str:
    return json.dumps({config.kafka_topic: offsets})


def count_rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    """Rows of `counts` as the store takes them, in the order of their windows, from what Spark collected."""
    # The store keeps them by window: in the order of hashes, each would go to another page of its table.
    table = table.sort_by(schema.WINDOW_START)
    # Spark's timestamps come as UTC, which here is only the way to carry a wall clock.
    columns = {name: table.column(name) for name in schema.COUNTS}
    for name in (schema.WINDOW_START, schema.WINDOW_END):
        # There are far fewer windows than rows.
        times = columns[name].combine_chunks().dictionary_encode()
        texts = pc.strftime(times.dictionary.cast(pa.timestamp("s")), format="%Y-%m-%d %H:%M:%S")
        columns[name] = texts.take(times.indices)
    table = pa.table(columns)
    for start in range(0, table.num_rows, _ROWS_AT_ONCE):
        rows = table.slice(start, _ROWS_AT_ONCE)
        yield from zip(*(column.to_pylist() for column in rows.columns), strict=True)


def _behind(metrics: BatchMetrics, topic: str) -> int | None:
    if metrics.latest_offsets is None:
        return None
    latest, end = metrics.latest_offsets.get(topic, {}), (metrics.end_offsets or {}).get(topic, {})
    return sum(max(0, offset - end.get(partition, 0)) for partition, offset in latest.items())


# What people can mend, by a part of what Java says of it.
_REMEDIES: Final = {
    "data may have been lost": (
        "records that the stream has not read are gone from the topic (retention, or the topic was made anew): "
        "`make reset` starts over with what is there"
    ),
    "No space left": "no space left for the checkpoint or for Spark's temporary files: make room, then run again",
    "Timed out waiting": "the brokers do not answer any more: try `make kafka-status`, then run again",
    "TimeoutException": "the brokers do not answer any more: try `make kafka-status`, then run again",
    "OutOfMemoryError": "Spark's memory is too small: set SPARK_DRIVER_MEMORY higher, or MAX_OFFSETS_PER_TRIGGER lower",
}


def _failure(error: Exception) -> SfPoliceError:
    causes = _causes(error)
    for part, remedy in _REMEDIES.items():
        if any(part in cause for cause in causes):
            return SfPoliceError(remedy)
    said = causes[-1].strip().splitlines()[0]
    return SfPoliceError(f"the stream failed: {said}; details with -v, or in spark.log")


def _causes(error: Exception) -> list[str]:
    # From what came to Python down to what first went wrong in the JVM.
    texts = [str(error) or repr(error)]
    throwable: Any = getattr(error, "_origin", None) or getattr(error, "java_exception", None)
    while throwable is not None:
        texts.append(str(throwable.toString()))
        throwable = throwable.getCause()
    return texts
