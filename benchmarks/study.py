"""The throughput study, `make bench`: rows/s by partitions and maxOffsetsPerTrigger, varied as in the original study,
with Spark's defaults and with ours; and by what the original did not vary: state partitions, no cap, executors.

Every cell is a process of its own (`cell.py`), and its store is compared with a recount in plain Python. BENCH_QUICK=1
runs part of the grid once; BENCH_REPEATS sets the repetitions of a full run.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pyspark

from benchmarks import common
from benchmarks.cell import Cell

PARTITIONS = (1, 3)
MAX_OFFSETS = (200, 400, 600, 2000)
CALLS = 200_000
NO_CAP_CALLS = 400_000 if common.IS_QUICK else 2_000_000
CORES = os.cpu_count() or 1
PHASES = ("latestOffset", "queryPlanning", "walCommit", "addBatch", "commitOffsets")


def grid(
    servers: str, topic_of: dict[int, str], no_cap_of: dict[int, str], standalone: str | None
) -> dict[str, list[Cell]]:
    """Return the cells, by series."""

    def cell(partitions: int, **more: Any) -> Cell:
        return Cell(servers=servers, topic=topic_of[partitions], calls=CALLS, partitions=partitions, **more)

    slow = {"is_spark_default": True, "state_partitions": 200, "seconds": 20.0, "least_batches": 3}
    partitions, offsets = PARTITIONS, (200, 2000) if common.IS_QUICK else MAX_OFFSETS
    series = {
        "Spark's defaults": [cell(p, max_offsets=o, **slow) for p in partitions for o in offsets],
        "ours": [cell(p, max_offsets=o) for p in partitions for o in offsets],
        "state partitions": [
            cell(3, max_offsets=2000, state_partitions=n, least_batches=3) for n in sorted({1, CORES, 8, 200})
        ],
        "no cap": [replace(cell(p, seconds=0), topic=topic, calls=NO_CAP_CALLS) for p, topic in no_cap_of.items()],
    }
    masters = ["local[1]", "local[2]", *([standalone] if standalone else [])]
    series["executors"] = [cell(3, max_offsets=2000, state_partitions=2, master=master) for master in masters]
    if common.IS_QUICK:
        series = {name: [replace(c, seconds=min(c.seconds, 4)) for c in cells] for name, cells in series.items()}
        [slow_cell] = [c for c in series["Spark's defaults"] if (c.partitions, c.max_offsets) == (3, 2000)]
        series["Spark's defaults"] = [replace(slow_cell, least_batches=1)]
        series["ours"] = [c for c in series["ours"] if (c.partitions, c.max_offsets) != (1, 200)]
        for name in ("state partitions", "executors"):
            series[name] = series[name][:1]
    return series


@contextmanager
def standalone_cluster(folder: Path) -> Iterator[str]:
    """Yield the URL of a master on loopback that has two workers of one core each."""
    env = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOG_DIR": str(folder), "SPARK_WORKER_DIR": str(folder)}
    env["SPARK_DAEMON_JAVA_OPTS"] = "-Dspark.master.rest.enabled=false"
    program = Path(pyspark.__path__[0]) / "bin" / "spark-class"
    url = f"spark://127.0.0.1:{(port := 17077)}"
    master = ["Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", "18080"]
    workers = [
        ["Worker", "--host", "127.0.0.1", "--webui-port", str(18081 + n), "-c", "1", "-m", "1g", url] for n in range(2)
    ]
    running = []
    try:
        for number, (name, *arguments) in enumerate([master, *workers]):
            kind = f"org.apache.spark.deploy.{name.lower()}.{name}"
            log = (folder / f"{name}-{number}.log").open("wb")
            running.append(subprocess.Popen([program, kind, *arguments], env=env, stdout=log, stderr=log))
        yield url
    finally:
        for process in running:
            process.terminate()
            process.wait()


def run_cell(cell: Cell) -> dict[str, Any]:
    """Run a cell, and return what `benchmarks.cell` prints."""
    command = [sys.executable, "-m", "benchmarks.cell", json.dumps(asdict(cell))]
    env = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    done = subprocess.run(command, cwd=common.ROOT, env=env, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def measured(result: dict[str, Any]) -> dict[str, Any]:
    """Compute a run's rows/s, in steady state (without the first micro-batch) and overall, and where its time went."""
    batches = result["batches"]
    steady = batches[1:] or batches
    seconds = [batch["ms"]["triggerExecution"] / 1000 for batch in batches]
    steady_s = sum(batch["ms"]["triggerExecution"] for batch in steady) / 1000
    phases = {name: statistics.mean(batch["ms"].get(name, 0) for batch in steady) for name in PHASES}
    return {
        "rows_per_s": sum(batch["rows"] for batch in steady) / steady_s,
        "overall_rows_per_s": sum(batch["rows"] for batch in batches) / sum(seconds),
        "first_batch_s": seconds[0],
        "batch_ms": statistics.median(batch["ms"]["triggerExecution"] for batch in steady),
        "phases_ms": {name: round(ms, 1) for name, ms in phases.items()},
        "state_commit_ms": round(statistics.mean(batch["state_ms"]["commitTimeMs"] for batch in steady), 1),
        "batches": len(batches),
        "state_partitions": result["state_partitions"],
    }


def summary(series: str, cell: Cell, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Summarize the repetitions of a cell: minimum, median and maximum."""
    one = runs[len(runs) // 2]
    rows = common.spread([run["rows_per_s"] for run in runs], 1)
    return {
        "series": series,
        "partitions": cell.partitions,
        "max_offsets": cell.max_offsets,
        "state_partitions": one["state_partitions"],
        "master": "standalone, 2 workers of 1 core" if cell.master.startswith("spark:") else cell.master,
        "rows_per_s": rows,
        "rows_per_s_per_core": round(rows["median"] / CORES, 1),
        "overall_rows_per_s": common.spread([run["overall_rows_per_s"] for run in runs], 1),
        "first_batch_s": common.spread([run["first_batch_s"] for run in runs]),
        "batch_ms": common.spread([run["batch_ms"] for run in runs], 0),
        "phases_ms": one["phases_ms"],
        "state_commit_ms": one["state_commit_ms"],
        "batches": [run["batches"] for run in runs],
    }


def table(cells: list[dict[str, Any]]) -> str:
    """Format the result as Markdown."""
    head = (
        "series", "partitions", "maxOffsetsPerTrigger", "state partitions", "master", "rows/s", "per core",
        "ms a micro-batch", "first one, s", "of which adding, ms",
    )  # fmt: skip
    return common.markdown_table(
        head,
        [
            (
                cell["series"], cell["partitions"], cell["max_offsets"] or "no cap", cell["state_partitions"],
                cell["master"], common.text_of(cell["rows_per_s"]), f"{cell['rows_per_s_per_core']:,.0f}",
                common.text_of(cell["batch_ms"]), common.text_of(cell["first_batch_s"], ".1f"),
                f"{cell['phases_ms']['addBatch']:,.0f}",
            )
            for cell in cells
        ],
    )  # fmt: skip


def main() -> None:
    """Measure, and write the result."""
    repeats = common.repeats()
    machine = common.machine()
    with tempfile.TemporaryDirectory() as name, common.broker(Path(name)) as servers:
        topic_of = {count: common.filled_topic(servers, CALLS, count) for count in PARTITIONS}
        no_cap_partitions = PARTITIONS[-1:] if common.IS_QUICK else PARTITIONS
        no_cap_of = {count: common.filled_topic(servers, NO_CAP_CALLS, count) for count in no_cap_partitions}
        with nullcontext() if common.IS_QUICK else standalone_cluster(Path(name)) as standalone:
            series = grid(servers, topic_of, no_cap_of, standalone)
            runs: dict[tuple[str, Cell], list[dict[str, Any]]] = {}
            total = sum(map(len, series.values())) * repeats
            with common.progress_bar("study", total) as advance:
                # A repetition is a whole round, so that other load on the machine affects all cells alike.
                for repeat in range(repeats):
                    for name_of, cells in series.items():
                        for cell in cells:
                            advance(f"{repeat + 1}/{repeats} {name_of}: {cell.partitions} x {cell.max_offsets}")
                            runs.setdefault((name_of, cell), []).append(measured(run_cell(cell)))
    cells = [summary(name_of, cell, of_cell) for (name_of, cell), of_cell in runs.items()]
    common.save_result("study", {"machine": machine, "repeats": repeats, "cells": cells}, table(cells))


if __name__ == "__main__":
    main()
