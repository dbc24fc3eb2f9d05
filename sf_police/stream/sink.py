"""The sink: counts each micro-batch, and hands counts and books to the store, which adds them in one transaction."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from sf_police.config import Config
from sf_police.errors import SfPoliceError, UnbalancedBatchError
from sf_police.question import Question
from sf_police.spark.failures import failure
from sf_police.store.retry import Retry
from sf_police.store.tables import Batch, BatchReport
from sf_police.store.writer import StoreWriter, records_in
from sf_police.stream.executed_plan import BatchMetrics, ExecutedPlan
from sf_police.stream.guard import BatchGuard
from sf_police.stream.pipeline import counter, rejected_records
from sf_police.stream.source import VALUE, kafka_span_options


class StoreSink:
    """The query's `foreachBatch`."""

    def __init__(
        self,
        session: SparkSession,
        config: Config,
        question: Question,
        store: StoreWriter,
        guard: BatchGuard,
        *,
        retry: Retry,
        on_batch: Callable[[BatchReport], None],
    ) -> None:
        self._session, self._config, self._question = session, config, question
        self._store, self._guard, self._retry, self._on_batch = store, guard, retry, on_batch
        self._plan = ExecutedPlan()
        self._count = counter(question, window=config.window)
        self.error: SfPoliceError | None = None

    def write(self, rows: DataFrame, batch_id: int) -> None:
        """Write a micro-batch. Consumes the whole frame, even on a replay, or Spark would not commit the state.

        Once: a second action would run the plan again, and double every metric.
        """
        began_s = time.time()
        frames = [rows]
        try:
            frames.append(self._count(rows))
            gc.collect(1)  # the frames in between, while they are young
            added = frames[-1].toArrow()
            query = self._query()
            metrics = self._plan.metrics(query)
            topic = self._config.kafka_topic
            # A replayed batch was planned before the kill, and its time since then is mostly no work.
            began_s = began_s if metrics.latest_offsets is None else metrics.started_ms / 1000
            seconds = round(time.time() - began_s, 3)
            if metrics.counted is None:
                metrics = replace(metrics, counted=records_in(added, self._question))
            batch = batch_of(metrics, query_id=query.id, batch_id=batch_id, topic=topic, seconds=seconds)
            rejected = RejectedRows(self._session, self._config, self._question, batch) if batch.rejected else ()
            self._retry.run(lambda: self._store.write_batch(batch, added, rejected, self._guard.check))
            self._on_batch(BatchReport(batch, metrics.latest_event_time))
        except SfPoliceError as error:
            self.error = error
            raise
        except Exception as error:
            self.error = failure(error)  # Spark would only report that a function failed
            raise
        finally:
            # Py4J's objects are reference cycles, which Python collects only hundreds of micro-batches later; until
            # then the JVM would keep each frame, with its plan and its shuffled data.
            gateway: Any = self._session.sparkContext._gateway
            for frame in frames:
                gateway.detach(frame._jdf)

    def _query(self) -> StreamingQuery:
        # Not the result of `start()`: the first batch may run before that returns.
        query_id = self._session.sparkContext.getLocalProperty("sql.streaming.queryId")
        query = self._session.streams.get(str(query_id))
        if query is None:
            raise SfPoliceError("the streaming query ended during its own batch")
        return query


@dataclass(frozen=True)
class RejectedRows(Iterable[Mapping[str, Any]]):
    """The rejected records of a batch that has some: each iteration reads the batch's offsets once more."""

    session: SparkSession
    config: Config
    question: Question
    batch: Batch

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """Read the topic, and yield the rows of `rejected`."""
        options = kafka_span_options(self.config, self.batch.start_offsets, self.batch.end_offsets)
        records = self.session.read.format("kafka").options(**options).load()
        rejected = rejected_records(records, question=self.question, max_ahead=self.config.max_ahead)
        for row in rejected.toLocalIterator():
            yield {**row.asDict(), VALUE: None if row[VALUE] is None else bytes(row[VALUE])}


def batch_of(metrics: BatchMetrics, *, query_id: str, batch_id: int, topic: str, seconds: float) -> Batch:
    """Return a micro-batch's row in the books; what was neither counted nor dropped was rejected.

    Raises:
        UnbalancedBatchError: the metrics contradict each other.
    """
    counted = metrics.counted or 0
    rejected = metrics.read - counted - metrics.duplicates - metrics.late
    end = (metrics.end_offsets or {}).get(topic, {})
    start = {partition: (metrics.start_offsets or {}).get(topic, {}).get(partition, 0) for partition in end}
    if rejected < 0 or metrics.read > sum(end.values()) - sum(start.values()):
        raise UnbalancedBatchError(
            f"the books of batch {batch_id} do not balance ({metrics}); nothing was stored", remedy="run again"
        )
    return Batch(
        query_id=query_id,
        batch_id=batch_id,
        start_offsets=start,
        end_offsets=end,
        read=metrics.read,
        counted=counted,
        duplicates=metrics.duplicates,
        late=metrics.late,
        rejected=rejected,
        watermark=metrics.watermark,
        seconds=seconds,
        lag=lag(metrics, topic),
        state_rows=metrics.state_rows,
    )


def lag(metrics: BatchMetrics, topic: str) -> int | None:
    """Return how many records the topic held beyond the batch when it was planned; None if unknown."""
    if metrics.latest_offsets is None:
        return None
    latest, end = metrics.latest_offsets.get(topic, {}), (metrics.end_offsets or {}).get(topic, {})
    return sum(max(0, offset - end.get(partition, 0)) for partition, offset in latest.items())
