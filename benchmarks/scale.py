"""Where it stops to scale, `python -m benchmarks.scale`: the driver's path, the state, the crime types, the watermark.

No broker is needed: Spark makes the records itself, and they take the pipeline's own steps. Each figure is measured in
a process of its own, as memory is the process's. docs/scale.md says what to make of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks import common
from benchmarks.store import deltas
from sf_police.calls import QUESTION
from sf_police.question import EVENT_TIME
from sf_police.spark.failures import failure
from sf_police.spark.session import create_session, stop_session
from sf_police.store.database import open_database
from sf_police.store.writer import StoreWriter
from sf_police.stream.pipeline import accepted_rows, counter
from sf_police.stream.transformations import filter_late_and_duplicates
from tests.support.builders import KAFKA_SCHEMA, a_batch, a_value
from tests.support.environment import variables

MEMORY = "2g"
DELTAS = (100_000,) if common.IS_QUICK else (100_000, 1_000_000, 4_000_000, 16_000_000)
IDS = (100_000,) if common.IS_QUICK else (500_000, 1_000_000, 2_000_000, 4_000_000)
TYPES = (1_000,) if common.IS_QUICK else (1_000, 10_000, 100_000, 1_000_000)
CALLS = 1_000
AHEAD = ("1 day", "1 hour")
NOON = datetime(2018, 10, 12, 12, tzinfo=UTC)


def session_of(folder: Path, **settings: object) -> SparkSession:
    """Start the stream's own session, for a run without an end."""
    return create_session(common.config_with(state_dir=folder, spark_driver_memory=MEMORY, **settings))


def measure_deltas(number: int, folder: Path) -> dict[str, Any]:
    """Measure what a micro-batch of this many counts costs on its way through the driver; it may be too large."""
    session = session_of(folder)
    session.conf.set("spark.sql.shuffle.partitions", "2")
    try:
        place = F.col("id")
        rows = session.range(number).select(
            (F.lit(NOON).cast("timestamp") + F.make_dt_interval(mins=F.lit(30) * (place % 1_000))).alias(EVENT_TIME),
            F.concat(F.lit("Crime type of length "), (place / 1_000).cast("bigint").cast("string")).alias("crime_type"),
            F.lit("Handled").alias("resolution"),
        )
        began = time.monotonic()
        try:
            table = counter(QUESTION, window="30 minutes")(rows).toArrow()
        except Exception as error:
            return {"deltas": number, "refused": str(failure(error))}
        took = time.monotonic() - began
    finally:
        stop_session(session)
    return {"deltas": number, "seconds": round(took, 2), "arrow_mb": table.nbytes >> 20, "python_mb": common.most_mb()}


def measure_state(number: int, folder: Path) -> dict[str, Any]:
    """Measure what this many ids take that the stream remembers: of the JVM's heap, and on disk."""
    session = session_of(folder)
    session.conf.set("spark.sql.shuffle.partitions", "2")
    try:
        ids = session.range(number).select(
            F.lpad(F.col("id").cast("string"), 9, "0").alias("crime_id"),
            F.lit(NOON).cast("timestamp").alias(EVENT_TIME),
        )
        ids.write.parquet(str(folder / "ids"))
        stream = session.readStream.schema(ids.schema).parquet(str(folder / "ids"))
        rows = stream.transform(filter_late_and_duplicates, id="crime_id", watermark="10 minutes")
        before = _heap_mb(session)
        seen: list[int] = []

        def count(frame: DataFrame, _: int) -> None:
            seen.append(frame.count())

        query = rows.writeStream.option("checkpointLocation", str(folder / "checkpoint")).foreachBatch(count).start()
        query.processAllAvailable()
        heap = _heap_mb(session) - before
        query.stop()
    finally:
        stop_session(session)
    if sum(seen) != number:
        raise SystemExit(f"{sum(seen)} ids were counted, not {number}")
    disk = sum(path.stat().st_size for path in (folder / "checkpoint" / "state").rglob("*") if path.is_file())
    return {"ids": number, "heap_mb": heap, "heap_bytes_per_id": round((heap << 20) / number), "disk_mb": disk >> 20}


def _heap_mb(session: SparkSession) -> int:
    runtime: Any = session._jvm.java.lang.Runtime.getRuntime()  # type: ignore[union-attr]
    for _ in range(2):
        runtime.gc()
    return int((runtime.totalMemory() - runtime.freeMemory()) >> 20)


def measure_types(number: int, folder: Path) -> dict[str, Any]:
    """Measure a store with this many crime types, three counts of each: written, and answered by the command."""
    store = folder / "answers.db"
    table = deltas(3 * number, seed=number)
    kinds = [f"Crime type {place % number}" for place in range(table.num_rows)]
    table = table.set_column(table.schema.get_field_index("crime_type"), "crime_type", [kinds])
    calls = sum(table["calls"].to_pylist())
    with closing(open_database(f"sqlite:///{store}", QUESTION)) as database:
        writer = StoreWriter(database)
        writer.adopt_stream("query", {"window": "30 minutes"})
        began = time.monotonic()
        writer.write_batch(a_batch(read=calls, counted=calls), table, [])
        while writer.settle():
            pass
        written = time.monotonic() - began
    began = time.monotonic()
    done = subprocess.run(
        ["/usr/bin/env", "time", "-f", "%M", sys.executable, "-m", "sf_police", "answer"],
        env=variables(STATE_DIR=str(folder)) | {"PATH": "/usr/bin:/bin"},
        cwd=common.ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {
        "types": number, "counts": 3 * number, "write_seconds": round(written, 2),
        "answer_seconds": round(time.monotonic() - began, 2), "answer_mb": int(done.stderr.split()[-1]) >> 10,
        "store_mb": store.stat().st_size >> 20,
    }  # fmt: skip


def measure_ahead(max_ahead: str, folder: Path) -> dict[str, Any]:
    """Measure what one record that is 23 hours ahead of its Kafka timestamp does to the calls after it."""
    session = session_of(folder)
    session.conf.set("spark.sql.shuffle.partitions", "2")
    try:
        ahead = [_value(0, NOON + timedelta(hours=23))]
        before, after = [[_value(at + n, NOON) for n in range(CALLS)] for at in (1, 1 + CALLS)]
        # The watermark that a micro-batch moves decides what is late in the one after the next.
        between = [_value(1 + 2 * CALLS, NOON)]
        source = folder / "records"
        schema = session.createDataFrame([], KAFKA_SCHEMA).schema
        _append(session, source, before)
        stream = session.readStream.schema(schema).option("maxFilesPerTrigger", 1).parquet(str(source))
        rows = accepted_rows(stream, question=QUESTION, watermark="10 minutes", max_ahead=max_ahead)
        counted: list[int] = []

        def count(frame: DataFrame, _: int) -> None:
            counted.append(frame.count())

        query = rows.writeStream.option("checkpointLocation", str(folder / "checkpoint")).foreachBatch(count).start()
        query.processAllAvailable()
        for values in (ahead, between, after):
            _append(session, source, values)
            query.processAllAvailable()
        query.stop()
    finally:
        stop_session(session)
    if counted[0] != CALLS:
        raise SystemExit(f"{counted[0]} calls were counted before the record, not {CALLS}")
    became = "counted" if counted[1] else "rejected"
    return {"max_ahead": max_ahead, "the_record": became, "after": CALLS, "late": CALLS - counted[-1]}


def _value(number: int, time: datetime) -> bytes:
    return a_value(crime_id=str(number), call_date_time=time.strftime("%Y-%m-%dT%H:%M:%S.000"))


def _append(session: SparkSession, source: Path, values: list[bytes]) -> None:
    rows = [(bytearray(value), "calls", 0, offset, NOON) for offset, value in enumerate(values)]
    session.createDataFrame(rows, KAFKA_SCHEMA).coalesce(1).write.mode("append").parquet(str(source))


PARTS: dict[str, tuple[Callable[[Any, Path], dict[str, Any]], tuple[Any, ...]]] = {
    "deltas": (measure_deltas, DELTAS),
    "state": (measure_state, IDS),
    "types": (measure_types, TYPES),
    "ahead": (measure_ahead, AHEAD),
}


def table_of(result: dict[str, Any]) -> str:
    """Return the tables of docs/scale.md."""
    parts = [
        ("A micro-batch's counts, through the driver", ("deltas", "seconds", "arrow_mb", "python_mb", "refused")),
        ("Ids that are remembered", ("ids", "heap_mb", "heap_bytes_per_id", "disk_mb")),
        ("Crime types in the store", ("types", "counts", "write_seconds", "answer_seconds", "answer_mb", "store_mb")),
        ("One record 23 hours ahead", ("max_ahead", "the_record", "after", "late")),
    ]
    found = []
    for (heading, columns), name in zip(parts, PARTS, strict=True):
        rows = [[_shown(row.get(column, "")) for column in columns] for row in result[name]]
        head = [column.replace("_mb", " MB").replace("_", " ") for column in columns]
        found.append(f"**{heading}**\n\n{common.markdown_table(head, rows)}")
    return "\n\n".join(found)


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def main() -> None:
    """Measure, and write the result."""
    if len(sys.argv) > 2:
        measure, choices = PARTS[sys.argv[1]]
        with tempfile.TemporaryDirectory() as name:
            print(json.dumps(measure(next(each for each in choices if str(each) == sys.argv[2]), Path(name))))
        return
    result: dict[str, Any] = {"machine": common.machine(), "driver_memory": MEMORY}
    steps = [(part, choice) for part, (_, choices) in PARTS.items() for choice in choices]
    with common.progress_bar("scale", len(steps)) as advance:
        for part, choice in steps:
            advance(f"{part} {choice}")
            command = [sys.executable, "-m", "benchmarks.scale", part, str(choice)]
            done = subprocess.run(command, cwd=common.ROOT, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{part} {choice} failed:\n{done.stderr}")
            result.setdefault(part, []).append(json.loads(done.stdout.splitlines()[-1]))
    common.save_result("scale", result, table_of(result))


if __name__ == "__main__":
    main()
