"""What state costs by its size and by where it is kept, `python -m benchmarks.state_store`: in memory, and in RocksDB.

A watermark so long that nothing is dropped lets the state grow to a size; another process then resumes, and its
micro-batches, heap and memory are measured. BENCH_SIZES="10000000" names other sizes, BENCH_WAYS="memory,RocksDB" some
of the ways.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from benchmarks import common
from sf_police.calls import QUESTION
from sf_police.produce import producer
from sf_police.produce.pace import paced
from sf_police.spark.session import stop_session
from sf_police.store.answers import StoreReader
from sf_police.store.database import open_database
from sf_police.store.tables import BatchReport
from sf_police.store.writer import StoreWriter
from sf_police.stream import query, startup
from sf_police.topic import admin, sending
from sf_police.topic.clients import kafka_access
from sf_police.topic.record import Record

SIZES = [int(size) for size in os.environ.get("BENCH_SIZES", "10000 200000 2000000").split()]
BATCHES = 12
PARTITIONS = 3
# Longer than any file of calls, so that the state keeps every id.
WATERMARK = "2000 weeks"
CHANGELOG = "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled"
# A state store, and whether RocksDB writes what has changed, or its files.
_ALL_WAYS = {
    "memory": ("memory", "true"),
    "RocksDB": ("rocksdb", "true"),
    "RocksDB without a changelog": ("rocksdb", "false"),
}
WAYS = {name: way for name, way in _ALL_WAYS.items() if name in os.environ.get("BENCH_WAYS", name).split(",")}


@dataclass(frozen=True)
class Part:
    """A part of a stream: to the end of a topic of so many records, with micro-batches of so many."""

    servers: str
    topic: str
    folder: str
    way: str
    records: int
    max_offsets: int


def run(part: Part) -> dict[str, Any]:
    """Run a part of the stream, and return its micro-batches' times and its memory."""
    state_store, has_changelog = WAYS[part.way]
    config = common.config_with(
        kafka_bootstrap_servers=part.servers, kafka_topic=part.topic, state_dir=part.folder, watermark=WATERMARK,
        max_offsets_per_trigger=part.max_offsets, state_store=state_store,
    )  # fmt: skip
    began = time.monotonic()
    seen: list[tuple[float, int]] = []  # when, and how many records by then
    cpu_ms: list[int] = []
    queries: list[Any] = []

    def note(report: BatchReport) -> None:
        queries[:] = queries or session.streams.active
        seen.append((time.monotonic(), sum(report.batch.end_offsets.values())))
        cpu_ms.append(_cpu_ms(jvm))

    with closing(open_database(config.store, QUESTION)) as database:
        topic = admin.describe_topic(kafka_access(config), config.kafka_topic)
        config, session = startup.start_session(config, topic, database, say=lambda _: None)
        try:
            session.conf.set(CHANGELOG, has_changelog)
            jvm = session.sparkContext._gateway.proc.pid  # type: ignore[union-attr]
            is_done: Callable[[], bool] = lambda: bool(seen) and seen[-1][1] >= part.records  # noqa: E731
            query.run_stream(session, config, QUESTION, StoreWriter(database), is_stopped=is_done, on_batch=note)
            progress = [json.loads(one.json) for each in queries for one in each.recentProgress]
            memory = {"rss_mb": _memory_mb(jvm, "VmHWM"), "heap_mb": _heap_mb(session)}
        finally:
            stop_session(session)
    ms = [one["durationMs"]["triggerExecution"] for one in progress if one["numInputRows"]]
    rows = [sum(each["numRowsTotal"] for each in one["stateOperators"]) for one in progress]
    used = [later - earlier for earlier, later in pairwise(cpu_ms)]
    first_s = round(seen[0][0] - began, 1)
    return {"first_batch_s": first_s, "ms": ms, "cpu_ms": used, "state_rows": rows[-1], **memory}


def _cpu_ms(pid: int) -> int:
    # Of the JVM, user and system: on a busy machine it says more than seconds do (Linux).
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return round((int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK"))


def _memory_mb(pid: int, name: str) -> int:
    # The most that the process has had, RocksDB's own memory included (Linux).
    [most] = re.findall(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(most) >> 10


def _heap_mb(session: Any) -> int:
    runtime = session._jvm.java.lang.Runtime.getRuntime()
    session._jvm.System.gc()
    return int((runtime.totalMemory() - runtime.freeMemory()) >> 20)


def measure(servers: str, size: int, folder: Path, advance: Callable[[str], None]) -> list[dict[str, Any]]:
    """Fill the state up to a size in each way, then measure micro-batches on it; check the counts of all of it."""
    count, topic = size + BATCHES * batch_of(size), f"state-{size}"
    folders = {way: str(folder / f"{size}-{number}") for number, way in enumerate(WAYS)}
    _publish(servers, topic, islice(common.many_records(count), size))
    filled = {}
    for way in WAYS:
        advance(f"{size:,} ids, {way}, until they are there")
        filled[way] = _child(Part(servers, topic, folders[way], way, size, min(size, common.QUARTER)))
    _publish(servers, topic, islice(common.many_records(count), size, None))
    expected = common.by_resolution(common.expected_counts(record.value for record in common.many_records(count)))
    results = []
    for way in WAYS:
        advance(f"{size:,} ids, {way}")
        found = filled[way] and _child(Part(servers, topic, folders[way], way, count, batch_of(size)))
        if found:
            _check(folders[way], expected)
            results.append(_summary(size, way, filled[way] or {}, found, Path(folders[way], "checkpoint")))
        else:
            results.append(
                {"size": size, "way": way, "failed": "once it was filled" if filled[way] else "while it was filled"}
            )
    return results


def _publish(servers: str, topic: str, records: Iterable[Record]) -> None:
    access = kafka_access(common.config_with(kafka_bootstrap_servers=servers))
    admin.create_topic(access, topic, partitions=PARTITIONS)
    with sending.kafka_producer(access, admin.describe_topic(access, topic)) as client:
        producer.publish(paced(records), client, partitions=PARTITIONS)


def _check(folder: str, expected: common.Counts) -> None:
    config = common.config_with(state_dir=folder)
    with closing(open_database(config.store, QUESTION)) as database:
        store = StoreReader(database)
        if common.stored_counts(store) != expected or not store.books().is_balanced:
            raise SystemExit(f"the counts are wrong: {folder}")


def _summary(size: int, way: str, filled: dict[str, Any], found: dict[str, Any], checkpoint: Path) -> dict[str, Any]:
    size_mb = sum(path.stat().st_size for path in checkpoint.rglob("*") if path.is_file()) >> 20
    return {
        "size": size, "way": way, "records": batch_of(size),
        # The first ones load the state, and warm up.
        "batch_ms": common.spread(found["ms"][2:], 0), "cpu_ms": common.spread(found["cpu_ms"][2:], 0),
        "state_rows": found["state_rows"], "first_batch_s": found["first_batch_s"], "heap_mb": found["heap_mb"],
        "rss_mb": found["rss_mb"], "checkpoint_mb": size_mb, "fill_batch_ms": round(statistics.median(filled["ms"])),
        "fill_s": round(sum(filled["ms"]) / 1000, 1), "fill_rss_mb": filled["rss_mb"],
    }  # fmt: skip


def batch_of(size: int) -> int:
    """Return how many records a measured micro-batch has: few beside a small state, so that it stays one."""
    return min(10_000, size // 10)


def _child(part: Part) -> dict[str, Any] | None:
    command = [sys.executable, "-m", "benchmarks.state_store", json.dumps(asdict(part))]
    done = subprocess.run(command, cwd=common.ROOT, capture_output=True, text=True)
    if "ran out of memory" in done.stderr:
        return None
    if done.returncode:
        raise SystemExit(done.stderr)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def table(results: list[dict[str, Any]]) -> str:
    """Format the result as Markdown."""
    head = (
        "ids", "state in", "ms a micro-batch", "of CPU, ms", "of records", "from start to first one, s",
        "live heap, MB", "process, MB", "checkpoint, MB",
    )  # fmt: skip
    rows = []
    for one in results:
        if "failed" in one:
            rows.append((f"{one['size']:,}", one["way"], f"out of memory, {one['failed']}", *[""] * 6))
            continue
        ms = common.text_of(one["batch_ms"])
        memory = (f"{one[name]:,}" for name in ("heap_mb", "rss_mb", "checkpoint_mb"))
        cpu, records = common.text_of(one["cpu_ms"]), f"{one['records']:,}"
        rows.append((f"{one['size']:,}", one["way"], ms, cpu, records, one["first_batch_s"], *memory))
    return common.markdown_table(head, rows)


def main() -> None:
    """Measure, and write the result."""
    if len(sys.argv) > 1:
        print(json.dumps(run(Part(**json.loads(sys.argv[1])))))
        return
    results: list[dict[str, Any]] = []
    sizes = SIZES[:1] if common.IS_QUICK else SIZES
    with (
        tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name,
        common.broker(Path(name) / "broker") as servers,
        common.progress_bar("state", 2 * len(sizes) * len(WAYS)) as advance,
    ):
        for size in sizes:
            results += measure(servers, size, Path(name), advance)
    result = {"machine": common.machine(), "watermark": WATERMARK, "cells": results}
    common.save_result("state_store", result, table(results))


if __name__ == "__main__":
    main()
