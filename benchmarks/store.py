"""What a large micro-batch costs in PostgreSQL, `python -m benchmarks.store`: by INSERT and by COPY, in turn.

A server of this machine's own programs is started on a free port. Each round writes the same deltas into an empty store
and once more over the rows that are there then; the sums are checked. Memory is measured in a process of each way's
own, which gets its deltas from a file; rows per micro-batch show from where on COPY pays.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import ipc

from benchmarks import common
from sf_police.calls import QUESTION
from sf_police.store import postgresql
from sf_police.store.database import open_database
from sf_police.store.digest import hash_column
from sf_police.store.writer import StoreWriter
from tests.support.builders import a_batch
from tests.support.postgresql import running_postgresql

DELTAS = 49_000 if common.IS_QUICK else 490_000
MANY_DELTAS = 100_000 if common.IS_QUICK else 1_000_000
SIZES = (10, 50, 100, 200, 500, 1_000, 2_000, 5_000)
ROUNDS = common.repeats(full=5)
SMALL_ROUNDS = 5 if common.IS_QUICK else 40
WAYS = {"insert": sys.maxsize, "copy": 0}
_COUNTS_PER_WINDOW = 33  # as a quarter of the calls has
_TYPES, _RESOLUTIONS = 200, 20


def deltas(number: int, seed: int = 1) -> pa.Table:
    """Return as many keys as Spark hands over, in no order; the hash is not checked here."""
    rng, groups = random.Random(seed), _TYPES * _RESOLUTIONS
    windows = number // _COUNTS_PER_WINDOW + 1
    keys = rng.sample(range(windows * groups), number)
    starts = [datetime(2012, 1, 1) + timedelta(minutes=30 * window) for window in range(windows + 1)]
    kind, time_type = "Crime type of the usual length", pa.timestamp("us", tz="UTC")
    calls = pa.array([rng.randint(1, 9) for _ in keys], pa.int64())
    return pa.table(
        {
            "window_start": pa.array([starts[key // groups] for key in keys], time_type),
            "window_end": pa.array([starts[key // groups + 1] for key in keys], time_type),
            "crime_type": [f"{kind[: 8 + key % 22]} {key % groups // _RESOLUTIONS}" for key in keys],
            "resolution": [f"Resolution {key % _RESOLUTIONS}" for key in keys],
            "calls": calls,
            hash_column("calls"): calls,
        }
    )


class Stored:
    """A store that gets one micro-batch after the other."""

    def __init__(self, url: str) -> None:
        self.database = open_database(url, QUESTION)
        self._writer, self._batches, self._read = StoreWriter(self.database), 0, 0
        self._writer.adopt_stream("query", {})

    def write(self, table: pa.Table, way: str) -> float:
        """Write a micro-batch in one of the ways; return the seconds of its transaction."""
        postgresql.LEAST_ROWS = WAYS[way]  # type: ignore[misc]
        calls = pc.sum(table["calls"]).as_py()
        # As of a stream that is behind, which leaves the totals for later.
        batch = a_batch(self._batches, start=self._read, read=calls, counted=calls, lag=calls)
        began = time.perf_counter()
        self._writer.write_batch(batch, table, [])
        took = time.perf_counter() - began
        self._batches, self._read = self._batches + 1, self._read + calls
        return took

    def check(self, rows: int, calls: int) -> None:
        """End the benchmark if the store holds anything else."""
        with self.database.transaction() as connection:
            found = connection.exec_driver_sql("SELECT COUNT(*), SUM(calls) FROM counts").one()
        if tuple(found) != (rows, calls):
            raise SystemExit(f"the counts are wrong: {found}, not {(rows, calls)}")

    def close(self) -> None:
        """Delete the store."""
        self.database.drop()
        self.database.close()


def large(url: str, advance: Callable[[str], None]) -> dict[str, Any]:
    """Measure many deltas into an empty store, and over the rows that are there."""
    table = deltas(DELTAS)
    took: dict[str, list[float]] = {f"{kind}, {way}": [] for kind in ("new", "existing") for way in WAYS}
    for number in range(ROUNDS):
        for way in WAYS:
            advance(f"round {number + 1}, {way}")
            with closing(Stored(url)) as stored:
                for kind in ("new", "existing"):
                    took[f"{kind}, {way}"].append(stored.write(table, way))
                stored.check(DELTAS, 2 * pc.sum(table["calls"]).as_py())
    return {"deltas": DELTAS, "seconds": {name: common.spread(values) for name, values in took.items()}}


def small(url: str, advance: Callable[[str], None]) -> dict[str, Any]:
    """Measure micro-batches of few deltas, half of which are there already."""
    found = {}
    with closing(Stored(url)) as stored:
        for size in SIZES:
            advance(f"{size} deltas")
            took: dict[str, list[float]] = {way: [] for way in WAYS}
            for number in range(SMALL_ROUNDS):
                for way in WAYS:
                    took[way].append(1_000 * stored.write(deltas(size, seed=number // 2), way))
            found[str(size)] = {way: common.spread(values) for way, values in took.items()}
    return found


def memory(url: str, folder: Path, advance: Callable[[str], None]) -> dict[str, Any]:
    """Measure how much a process grows by writing a micro-batch of very many deltas."""
    path, table = folder / "deltas.arrow", deltas(MANY_DELTAS)
    with ipc.new_file(str(path), table.schema) as file:
        file.write_table(table)
    grown = {}
    for way in WAYS:
        advance(f"memory, {way}")
        command = [sys.executable, "-m", "benchmarks.store", url, str(path), way]
        done = subprocess.run(command, cwd=common.ROOT, check=True, capture_output=True, text=True)
        grown[way] = json.loads(done.stdout)
    return {"deltas": MANY_DELTAS, "deltas_mb": table.nbytes >> 20, "grown_mb": grown}


def _grown_mb(url: str, path: str, way: str) -> int:
    with closing(Stored(url)) as stored:
        stored.write(deltas(1_000, seed=2), way)  # whatever is imported on the way is there now
        table = ipc.open_file(path).read_all()
        # The most is reset, so that it is of what is written from now on.
        Path("/proc/self/clear_refs").write_text("5")
        before = common.most_mb()
        stored.write(table, way)
        return common.most_mb() - before


def main() -> None:
    """Measure, and write the result."""
    if len(sys.argv) > 1:
        print(_grown_mb(*sys.argv[1:]))
        return
    result: dict[str, Any] = {"machine": common.machine(), "rounds": ROUNDS}
    steps = ROUNDS * len(WAYS) + len(SIZES) + len(WAYS)
    with (
        tempfile.TemporaryDirectory() as name,
        running_postgresql() as server,
        common.progress_bar("store", steps) as advance,
    ):
        with closing(open_database(server.url, QUESTION)) as database, database.transaction() as connection:
            result["server"] = connection.exec_driver_sql("SHOW server_version").scalar_one()
        result["large"] = large(server.url, advance)
        result["small_ms"] = small(server.url, advance)
        result["memory"] = memory(server.url, Path(name), advance)
    common.save_result("store", result)


if __name__ == "__main__":
    main()
