"""The contract of Spark's internal metrics that the books rest on: they equal what streaming progress says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pyspark.sql import SparkSession

from sf_police.calls import QUESTION
from sf_police.stream.executed_plan import BatchMetrics, ExecutedPlan
from sf_police.stream.pipeline import added_counts
from sf_police.stream.query import accepted_stream
from tests.support.builders import a_value
from tests.support.job import Job
from tests.support.question import resolve


@pytest.mark.parametrize(("state_partitions", "shuffles"), [(1, 0), (2, 1)])
def test_metrics_of_the_plan_equal_progress(
    session: SparkSession, make_job: Callable[..., Job], state_partitions: int, shuffles: int
) -> None:
    session.conf.set("spark.sql.shuffle.partitions", state_partitions)
    job = make_job(partitions=1)
    minutes = ["14:00", "15:00", "16:00", "16:00", "14:30", "16:01"]
    job.send(*(a_value(crime_id=str(n), call_date_time=f"2018-10-12T{m}:00.000") for n, m in enumerate(minutes)))
    job.send(a_value(crime_id="3", call_date_time="2018-10-12T16:00:00.000"), b"junk")
    settings = {"state_dir": str(job.state), "kafka_bootstrap_servers": job.kafka, "kafka_topic": job.topic}
    settings |= {"until_end": "1", "max_offsets_per_trigger": "2", "state_partitions": str(state_partitions)}
    config = resolve(settings)
    seen: list[BatchMetrics] = []
    counted: list[int] = []
    exchanges: list[int] = []
    plan = ExecutedPlan()

    def consume(frame, batch_id):  # type: ignore[no-untyped-def]
        counted.append(sum(added_counts(frame, question=QUESTION, window="30 minutes").toArrow()["calls"].to_pylist()))
        query = session.streams.active[0]
        seen.append(plan.metrics(query))
        exchanges.append(str(query._jsq.streamingQuery().lastExecution().executedPlan()).count("Exchange "))

    query = accepted_stream(session, config, QUESTION).foreachBatch(consume).start()
    query.awaitTermination()

    progress = [p for p in query.recentProgress if p.numInputRows or p.stateOperators[-1].numRowsUpdated]
    dedup = [[operator for operator in p.stateOperators if operator.operatorName == "dedupe"][0] for p in progress]
    assert [metrics.read for metrics in seen] == [p.numInputRows for p in progress] == [2, 2, 2, 2]
    assert exchanges == [shuffles] * 4
    assert [metrics.counted for metrics in seen] == [operator.numRowsUpdated for operator in dedup]
    assert [metrics.counted for metrics in seen] == counted
    assert [m.duplicates for m in seen] == [
        int(operator.customMetrics["numDroppedDuplicateRows"]) for operator in dedup
    ]
    assert [metrics.late for metrics in seen] == [operator.numRowsDroppedByWatermark for operator in dedup]
    assert [sum(getattr(metrics, name) for metrics in seen) for name in ("counted", "duplicates", "late")] == [5, 1, 1]
    assert [metrics.end_offsets for metrics in seen] == [{job.topic: {"0": n}} for n in (2, 4, 6, 8)]
    assert [metrics.start_offsets for metrics in seen] == [{job.topic: {"0": n}} for n in (0, 2, 4, 6)]
    latest = [metrics.latest_event_time for metrics in seen]
    assert [time and f"{time:%H:%M}" for time in latest] == ["15:00", "16:00", "16:01", "16:00"]
    assert seen[-1].latest_offsets == {job.topic: {"0": 8}}
    rows = [[operator.numRowsTotal for operator in p.stateOperators] for p in progress]
    assert [metrics.state_rows for metrics in seen] == [sum(total) for total in rows]
