"""What a user waits for, `make bench-targets`: the producer compared with a plain confluent-kafka loop, the answer from
cold, the fixed cost of a micro-batch, and the time from a record's send until it is in the store.

DATA names the file; by default, one is generated. Throughput is measured in `study.py`.
"""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from kafka.admin import KafkaAdminClient, NewTopic

from benchmarks import common
from benchmarks.cell import Cell
from benchmarks.engines import PEERS, python_of
from benchmarks.study import CORES, run_cell
from sf_police.calls import QUESTION
from sf_police.environment import given_settings
from sf_police.produce.generated_file import write_records
from sf_police.store.answers import StoreReader
from sf_police.store.database import existing_database
from tests.support.environment import variables
from tests.support.oracle import read_topic

PARTITIONS = 3
REPEATS = common.repeats(quick=2, full=7)


def timed(command: list[str], env: dict[str, str]) -> tuple[float, str]:
    """Run a process; return its seconds, from start to end, and what it printed."""
    started = time.monotonic()
    done = subprocess.run(command, cwd=common.ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command} failed:\n{done.stdout}\n{done.stderr}")
    return time.monotonic() - started, done.stdout + done.stderr


def environment(servers: str, topic: str, state: Path) -> dict[str, str]:
    """Return the environment of one of our commands."""
    return {
        **os.environ,
        **variables(
            KAFKA_BOOTSTRAP_SERVERS=servers, KAFKA_TOPIC=topic, STATE_DIR=str(state), PARTITIONS=str(PARTITIONS)
        ),
    }


def sf_police(*arguments: str) -> list[str]:
    """Return one of our commands, to be run in a process."""
    return [sys.executable, "-m", "sf_police", *arguments]


def producer_race(servers: str, file: Path, calls: int, folder: Path) -> dict[str, Any]:
    """Measure from a file on disk to all records acknowledged: both producers as cold processes, in turns."""
    python = str(python_of("loops")())
    times: dict[str, list[float]] = {"ours": [], "confluent": []}
    for repeat in range(REPEATS):
        for name in times:
            topic = f"race-{name}-{repeat}"
            env = environment(servers, topic, folder)
            subprocess.run(sf_police("create-topic"), env=env, cwd=common.ROOT, check=True, capture_output=True)
            theirs = [python, str(PEERS / "confluent_producer.py"), servers, topic, str(file), str(PARTITIONS)]
            seconds, _ = timed(sf_police("produce", str(file)) if name == "ours" else theirs, env)
            held = common.held_records(servers, topic)
            if held != calls:
                raise SystemExit(f"{name}: the topic holds {held} of {calls}")
            times[name].append(seconds)
    ratios = [theirs / ours for theirs, ours in zip(times["confluent"], times["ours"], strict=True)]
    return {
        "ours_s": common.spread(times["ours"]),
        "confluent_s": common.spread(times["confluent"]),
        "ratio": common.spread(ratios),
        "events_per_s": common.spread([calls / seconds for seconds in times["ours"]], 0),
    }


def cold_answer(servers: str, calls: int, folder: Path) -> dict[str, Any]:
    """Measure from the start of `sf-police stream --until-end` to the printed answer, and to the end of the process."""
    answered, ended = [], []
    for repeat in range(REPEATS):
        env = environment(servers, "race-ours-0", folder / f"cold-{repeat}")
        printed = folder / "answer.txt"
        started = time.time()
        with printed.open("wb") as out:
            command = sf_police("stream", "--until-end")
            done = subprocess.run(command, cwd=common.ROOT, env=env, stdout=out, stderr=subprocess.PIPE, check=False)
        ended.append(time.time() - started)
        answered.append(printed.stat().st_mtime - started)
        if done.returncode or f"read {calls:,} = ".encode() not in done.stderr:
            raise SystemExit(f"no answer, or the books are wrong:\n{done.stderr.decode()}")
    return {"answer_s": common.spread(answered), "end_s": common.spread(ended)}


def micro_batch(servers: str, state_partitions: int) -> dict[str, Any]:
    """Measure a micro-batch of 200 rows, in steady state."""
    topic = common.filled_topic(servers, common.QUARTER, PARTITIONS)
    cell = Cell(
        servers, topic, common.QUARTER, PARTITIONS,
        max_offsets=200, state_partitions=state_partitions, least_batches=250, seconds=1,
    )  # fmt: skip
    batches = [batch["ms"] for _ in range(1 if common.IS_QUICK else 2) for batch in run_cell(cell)["batches"][-80:]]
    whole = [ms["triggerExecution"] for ms in batches]
    phases = ("queryPlanning", "walCommit", "addBatch", "commitOffsets")
    return {
        "p50_ms": statistics.median(whole),
        "p90_ms": round(statistics.quantiles(whole, n=10)[-1]),
        "phases_p50_ms": {name: statistics.median(ms.get(name, 0) for ms in batches) for name in phases},
    }


def latency(servers: str, file: Path, folder: Path, *, rate: int = 1000) -> dict[str, Any]:
    """Measure from a record's send, by the producer's clock, until a reader of the store sees its micro-batch."""
    topic = "latency"
    admin = KafkaAdminClient(bootstrap_servers=servers)
    admin.create_topics([NewTopic(topic, PARTITIONS, 1, topic_configs={"message.timestamp.type": "CreateTime"})])
    admin.close()
    env = environment(servers, topic, folder / "latency")
    seconds = 20 if common.IS_QUICK else 75
    stream = subprocess.Popen(
        sf_police("stream", "--max-offsets-per-trigger", "5000"),  # as one would set it for low latency
        env=env,
        cwd=common.ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    producing = subprocess.Popen(
        sf_police("produce", str(file), "--rate", str(rate)), env=env, cwd=common.ROOT, stderr=subprocess.DEVNULL
    )
    visible: list[tuple[float, dict[str, int]]] = []
    try:
        assert stream.stderr
        while not stream.stderr.readline().startswith("batch "):
            assert stream.poll() is None
        started = time.monotonic()
        path = folder / "latency" / "answers.db"
        url = f"sqlite:///{path}"
        with closing(existing_database(url, QUESTION)) as database, closing(sqlite3.connect(path)) as watch:
            version = None
            while time.monotonic() - started < seconds:
                # Changes with every commit; querying the batch itself this often would take a third of a core.
                before, version = version, watch.execute("PRAGMA data_version").fetchone()
                if version != before:
                    [last] = StoreReader(database).last_batches(1)
                    visible.append((time.time(), last.end_offsets))
                time.sleep(0.002)
    finally:
        for process in (producing, stream):
            process.terminate()
            process.communicate()
    # The first third is left out, as the JVM is still warming up.
    latencies = []
    records = read_topic(servers, topic)
    for (_, before), (seen, end) in zip(visible[len(visible) // 3 :], visible[len(visible) // 3 + 1 :], strict=False):
        for partition, upto in end.items():
            of_batch = records[int(partition)][before.get(partition, 0) : upto]
            latencies += [seen * 1000 - record.timestamp for record in of_batch]
    cuts = statistics.quantiles(latencies, n=100)
    return {
        "events": len(latencies),
        "p50_ms": round(cuts[49]),
        "p99_ms": round(cuts[98]),
        "max_ms": round(max(latencies)),
    }


def main() -> None:
    """Measure, and write the result."""
    result: dict[str, Any] = {"machine": common.machine(), "repeats": REPEATS}
    with tempfile.TemporaryDirectory() as name, common.broker(Path(name) / "broker") as servers:
        folder = Path(name)
        named = given_settings(os.environ, ["data"]).settings.get("data")
        file = Path(named) if named else folder / "calls.json"
        if not file.exists():
            write_records(file, QUESTION.generate(QUESTION.generated, QUESTION.seed))
        calls = len(json.loads(file.read_text()))
        result["file"] = {"calls": calls, "bytes": file.stat().st_size}
        with common.progress_bar("targets", 4) as advance:
            advance("producer, compared with confluent-kafka")
            result["producer"] = producer_race(servers, file, calls, folder)
            advance("the answer, from cold")
            result["cold_answer"] = cold_answer(servers, calls, folder)
            advance("a micro-batch of 200 rows")
            result["micro_batch"] = {
                f"{count} state partitions": micro_batch(servers, count) for count in sorted({1, CORES})
            }
            advance("latency at 1,000 records/s")
            result["latency"] = latency(servers, file, folder)
    common.save_result("targets", result)


if __name__ == "__main__":
    main()
