"""What became of a micro-batch's records, from the metrics of the plan that Spark has just run.

Streaming progress reports the same, but only after the store's commit: a kill in between would lose it. This uses
Spark's internal API, here and nowhere else; `tests/integration/test_executed_plan.py` checks that it still holds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from py4j.protocol import Py4JJavaError
from pyspark.sql.streaming.query import StreamingQuery

_EPOCH: Final = datetime(1970, 1, 1)
_SCAN: Final = "MicroBatchScan"
_DEDUPLICATE: Final = "StreamingDeduplicate"
_EVENT_TIME: Final = "EventTimeWatermark"


@dataclass(frozen=True)
class BatchMetrics:
    """Figures of one micro-batch. Offsets are the source's own: `{topic: {partition: next offset}}`; None: no data."""

    read: int
    counted: int | None  # None: the query drops no duplicates, so no late records either, and Spark does not count
    duplicates: int
    late: int
    state_rows: int
    watermark: datetime | None  # the one that decided which rows were late
    start_offsets: dict[str, dict[str, int]] | None
    end_offsets: dict[str, dict[str, int]] | None
    latest_offsets: dict[str, dict[str, int]] | None  # of the topic when the batch was planned; None: unknown
    started_ms: int  # since the epoch
    latest_event_time: datetime | None = None  # of the records that have an event time


class ExecutedPlan:
    """Reads the metrics of one query's micro-batches. The nodes' places in the plan are looked up once."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def metrics(self, query: StreamingQuery) -> BatchMetrics:
        """Return the metrics of the batch just run by `query`. To use in `foreachBatch`, once the frame is consumed."""
        execution = query._jsq.streamingQuery().lastExecution()
        nodes = self._nodes(execution.executedPlan())
        scan, deduplicate = nodes.get(_SCAN), nodes.get(_DEDUPLICATE)
        # Each metric takes three round trips to the JVM, so the map of metrics is fetched once.
        deduplicated = deduplicate.metrics() if deduplicate else None
        return BatchMetrics(
            read=_metric(scan.metrics(), "numOutputRows") if scan else 0,
            counted=_metric(deduplicated, "numUpdatedStateRows") if deduplicated else None,
            duplicates=_metric(deduplicated, "numDroppedDuplicateRows"),
            late=_metric(deduplicated, "numRowsDroppedByWatermark"),
            state_rows=_metric(deduplicated, "numTotalStateRows"),
            watermark=_watermark(deduplicate),
            start_offsets=_offsets(scan.start()) if scan else None,
            end_offsets=_offsets(scan.end()) if scan else None,
            latest_offsets=_latest_offsets(scan) if scan else None,
            started_ms=int(execution.offsetSeqMetadata().batchTimestampMs()),
            latest_event_time=_latest_event_time(nodes.get(_EVENT_TIME)),
        )

    def _nodes(self, plan: Any) -> dict[str, Any]:
        nodes = {name: plan.p(number) for name, number in self._numbers.items()}
        if _SCAN in nodes and all(node and _name(node) == name for name, node in nodes.items()):
            return nodes
        self._numbers.clear()
        nodes.clear()
        number = 0
        while (node := plan.p(number)) is not None:
            name = _name(node)
            if name in (_SCAN, _DEDUPLICATE, _EVENT_TIME):
                nodes[name], self._numbers[name] = node, number
            number += 1
        return nodes


def _name(node: Any) -> str:
    # A scan's name is followed by the topic's.
    return str(node.nodeName()).partition("[")[0].strip()


def _metric(metrics: Any, name: str) -> int:
    return int(metrics.apply(name).value()) if metrics else 0


def _watermark(deduplicate: Any) -> datetime | None:
    found = deduplicate.eventTimeWatermarkForLateEvents() if deduplicate else None
    watermark_ms = int(found.get()) if found and found.isDefined() else 0
    return _EPOCH + timedelta(milliseconds=watermark_ms) if watermark_ms else None


def _latest_event_time(node: Any) -> datetime | None:
    latest_ms = int(node.eventTimeStats().value().max()) if node else -1
    return _EPOCH + timedelta(milliseconds=latest_ms) if latest_ms > 0 else None  # the least integer: of no record


def _latest_offsets(scan: Any) -> dict[str, dict[str, int]] | None:
    try:
        return _offsets(scan.stream().reportLatestOffset())
    except Py4JJavaError:
        return None  # a replayed batch was planned before this source asked for the latest offsets


def _offsets(offset: Any) -> dict[str, dict[str, int]] | None:
    return json.loads(offset.json()) if offset is not None else None
