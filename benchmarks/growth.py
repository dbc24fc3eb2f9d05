"""How costs grow with the number of calls, `make bench-growth`: time per call, state rows and memory of a stream over
many quarters, and memory of the producer with a file of 2 GB. The stream itself is run by `cell.py`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import common
from benchmarks.cell import Cell
from benchmarks.study import run_cell
from benchmarks.targets import environment, sf_police
from tests.support.memory import run_measured

PARTITIONS = 3
CALLS = 1_000_000 if common.IS_QUICK else 10_000_000
FILE_CALLS = 400_000 if common.IS_QUICK else 4_800_000
BATCH = 200_000


def stream_growth(servers: str) -> dict[str, Any]:
    """Measure a stream of many micro-batches of one quarter each."""
    topic = common.filled_topic(servers, CALLS, PARTITIONS)
    cell = Cell(servers, topic, CALLS, PARTITIONS, max_offsets=BATCH, seconds=0, is_heap_watched=True)
    result = run_cell(cell)
    batches = result["batches"]
    us = [round(batch["ms"]["triggerExecution"] * 1000 / batch["rows"], 2) for batch in batches]
    state_rows = [batch["state_rows"] for batch in batches]
    series = {"us_per_event": us, "state_rows": state_rows, "heap_mb": result["heaps_mb"]}
    ratios = {name: _late_to_early(values) for name, values in series.items()}
    return {"calls": CALLS, "late_to_early": ratios, "python_mb": result["most_mb"], **series}


def _late_to_early(values: list[float]) -> float:
    # Ratio of the medians of the last and the first quarter of the values, without the first three, when the JVM warms
    # up, and the last one, which may be smaller.
    quarter = len(values) // 4
    early, late = values[3 : 3 + quarter], values[-1 - quarter : -1]
    return round(statistics.median(late) / statistics.median(early), 3)


def producer_growth(servers: str, folder: Path) -> dict[str, Any]:
    """Measure the producer with a file large enough to be sorted in runs on disk."""
    file = folder / "large.ndjson"
    with file.open("wb") as out:
        # Roughly newest first, as files of calls are: each thousand reversed.
        group: list[bytes] = []
        for record in common.many_records(FILE_CALLS):
            group.append(record.value)
            if len(group) == 1000:
                out.writelines(value + b"\n" for value in reversed(group))
                group.clear()
    env = environment(servers, "large", folder)
    subprocess.run(sf_police("create-topic"), env=env, cwd=common.ROOT, check=True, capture_output=True)
    done, most_mb = run_measured(sf_police("produce", str(file)), env=env, cwd=common.ROOT)
    if done.returncode:
        raise SystemExit(done.stderr)
    held = common.held_records(servers, "large")
    if held != FILE_CALLS:
        raise SystemExit(f"the topic holds {held} of {FILE_CALLS}")
    return {
        "file_bytes": file.stat().st_size,
        "said": done.stderr.splitlines(),
        "most_mb": most_mb,
    }


def main() -> None:
    """Measure, and write the result."""
    result: dict[str, Any] = {"machine": common.machine()}
    # BENCH_DIR keeps the large files off a temporary folder in memory.
    with (
        tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name,
        common.broker(Path(name) / "broker") as servers,
        common.progress_bar("growth", 2) as advance,
    ):
        advance("the producer, and a large file")
        result["producer"] = producer_growth(servers, Path(name))
        advance("the stream, and many quarters")
        result["stream"] = stream_growth(servers)
    common.save_result("growth", result)


if __name__ == "__main__":
    main()
