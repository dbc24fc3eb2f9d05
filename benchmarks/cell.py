"""Runs the stream once with one choice of settings, checks the result, and prints each micro-batch's times as JSON.

    python -m benchmarks.cell '{"topic": …, "partitions": 3, …}'

Each cell is a process of its own, because a JVM gets faster as it runs. `study.py` chooses the cells.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.common import by_resolution, config_with, expected_counts, many_records, most_mb, stored_counts
from sf_police.calls import QUESTION
from sf_police.spark.session import stop_session
from sf_police.store.answers import StoreReader
from sf_police.store.database import open_database
from sf_police.store.tables import BatchReport
from sf_police.store.writer import StoreWriter
from sf_police.stream import query, startup
from sf_police.topic import admin
from sf_police.topic.clients import kafka_access

# Spark's own defaults, which the original study used, in place of the session's options for writing checkpoint files.
SPARK_DEFAULTS = {
    "spark.sql.streaming.checkpointFileManagerClass": (
        "org.apache.spark.sql.execution.streaming.checkpointing.FileContextBasedCheckpointFileManager"
    ),
    "fs.file.impl": "org.apache.hadoop.fs.LocalFileSystem",
    "spark.sql.streaming.noDataMicroBatches.enabled": "true",
}


@dataclass(frozen=True)
class Cell:
    """A choice of settings. `seconds` limits the run after its first micro-batch; 0: it runs to the topic's end."""

    servers: str
    topic: str
    calls: int
    partitions: int
    max_offsets: int | None = None
    state_partitions: int | None = None
    master: str = "local[*]"
    is_spark_default: bool = False
    least_batches: int = 4
    seconds: float = 10.0
    is_heap_watched: bool = False


def run(cell: Cell, folder: Path) -> dict[str, Any]:
    """Run the stream, check the store, and return rows and durations by micro-batch."""
    config = config_with(
        kafka_bootstrap_servers=cell.servers, kafka_topic=cell.topic, state_dir=folder, spark_master=cell.master,
        max_offsets_per_trigger=cell.max_offsets, state_partitions=cell.state_partitions,
        # A run without an end uses the JVM's optimizing compiler; one to the end of few records does not.
        until_end=int(not cell.seconds),
    )  # fmt: skip
    seen: list[float] = []
    queries: list[Any] = []
    heaps_mb: list[int] = []

    def note(_: BatchReport) -> None:
        seen.append(time.monotonic())
        queries[:] = queries or session.streams.active
        if cell.is_heap_watched:
            heaps_mb.append(_heap_mb(session))

    def is_done() -> bool:
        steady = len(seen) - 1
        is_long = bool(seen) and time.monotonic() - seen[0] >= cell.seconds
        return bool(cell.seconds) and steady >= cell.least_batches and is_long

    with closing(open_database(config.store, QUESTION)) as database:
        topic = admin.describe_topic(kafka_access(config), config.kafka_topic)
        config, session = startup.start_session(config, topic, database, say=lambda _: None)
        try:
            for name, value in (SPARK_DEFAULTS if cell.is_spark_default else {}).items():
                session.conf.set(name, value)
            writer = StoreWriter(database)
            query.run_stream(session, config, QUESTION, writer, is_stopped=is_done, on_batch=note)
            progress = [json.loads(one.json) for query in queries for one in query.recentProgress]
            held_mb = most_mb()  # before the check below, which needs memory, too
        finally:
            stop_session(session)
        _check(cell, StoreReader(database))
    batches = [_batch(one) for one in progress if one["numInputRows"]]
    return {
        "cell": asdict(cell), "state_partitions": config.state_partitions,
        "batches": batches, "heaps_mb": heaps_mb, "most_mb": held_mb,
    }  # fmt: skip


def _batch(progress: dict[str, Any]) -> dict[str, Any]:
    return {
        "rows": progress["numInputRows"],
        "ms": progress["durationMs"],
        "state_rows": sum(operator["numRowsTotal"] for operator in progress["stateOperators"]),
        "state_ms": {
            name: sum(operator[name] for operator in progress["stateOperators"])
            for name in ("allUpdatesTimeMs", "allRemovalsTimeMs", "commitTimeMs")
        },
    }


def _heap_mb(session: Any) -> int:
    # Live objects only, not garbage.
    runtime = session._jvm.java.lang.Runtime.getRuntime()
    session._jvm.System.gc()
    return int((runtime.totalMemory() - runtime.freeMemory()) >> 20)


def _check(cell: Cell, store: StoreReader) -> None:
    [last] = store.last_batches(1)
    values = (
        record.value
        for record in many_records(cell.calls)
        if record.position // cell.partitions < last.end_offsets[str(record.position % cell.partitions)]
    )
    expected = by_resolution(expected_counts(values))
    if stored_counts(store) != expected or not store.books().is_balanced:
        raise SystemExit(f"the counts are wrong: {cell}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(run(Cell(**json.loads(sys.argv[1])), Path(name))))
