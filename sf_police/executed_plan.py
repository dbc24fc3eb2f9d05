"""What became of a micro-batch's records, from the metrics of the plan that Spark has just run.

Streaming progress says the same, but only after the store's commit: a kill in between would lose it. This is Spark's
internal API; it is used in this one place, and `tests/integration/test_executed_plan.py` holds it to its contract.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql.streaming.query import StreamingQuery

_EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True)
class BatchMetrics:
    """Numbers of one micro-batch. Offsets are the source's own: `{topic: {partition: next offset}}`, None: no data."""

    read: int
    counted: int
    duplicates: int
    late: int
    state_rows: int
    watermark: datetime | None  # what late calls were measured by
    start_offsets: dict[str, dict[str, int]] | None
    end_offsets: dict[str, dict[str, int]] | None
    latest_offsets: dict[str, dict[str, int]] | None  # of the topic, when the batch was planned; None: unknown
    started_ms: int  # since the epoch


def batch_metrics(query: StreamingQuery) -> BatchMetrics:
    """Metrics of the batch that `query` has just run. Call it in `foreachBatch`, once the frame is consumed."""
    execution = query._jsq.streamingQuery().lastExecution()
    nodes = list(_nodes(execution.executedPlan()))
    scans = [node for name, node in nodes if name.startswith("MicroBatchScan")]
    # `dropDuplicates` is the first stateful step: a record that passes it is never late for the aggregation.
    [deduplicate] = [node for name, node in nodes if name == "StreamingDeduplicate"]
    stateful = [node for name, node in nodes if name in ("StreamingDeduplicate", "StateStoreSave")]
    scan = scans[0] if scans else None
    watermark = deduplicate.eventTimeWatermarkForLateEvents()
    watermark_ms = int(watermark.get()) if watermark.isDefined() else 0
    return BatchMetrics(
        read=_metric(scan, "numOutputRows") if scan else 0,
        counted=_metric(deduplicate, "numUpdatedStateRows"),
        duplicates=_metric(deduplicate, "numDroppedDuplicateRows"),
        late=_metric(deduplicate, "numRowsDroppedByWatermark"),
        state_rows=sum(_metric(node, "numTotalStateRows") for node in stateful),
        watermark=_EPOCH + timedelta(milliseconds=watermark_ms) if watermark_ms else None,
        start_offsets=_offsets(scan.start()) if scan else None,
        end_offsets=_offsets(scan.end()) if scan else None,
        latest_offsets=_latest_offsets(scan) if scan else None,
        started_ms=int(execution.offsetSeqMetadata().batchTimestampMs()),
    )


def _nodes(plan: Any) -> Iterator[tuple[str, Any]]:
    yield plan.nodeName(), plan
    children = plan.children()
    for index in range(children.size()):
        yield from _nodes(children.apply(index))


def _metric(node: Any, name: str) -> int:
    return int(node.metrics().apply(name).value())


def _latest_offsets(scan: Any) -> dict[str, dict[str, int]] | None:
    try:
        return _offsets(scan.stream().reportLatestOffset())
    except Py4JJavaError:
        return None  # of a replayed batch, which was planned before the source has asked


def _offsets(offset: Any) -> dict[str, dict[str, int]] | None:
    return json.loads(offset.json()) if offset is not None else None
