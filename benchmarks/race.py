"""Races the peers, `make bench-peers`: the same topic and the same count by other engines, each checked.

Cold: from the start of the process to the answer, with 200,000 and with 2,000,000 calls. Steady: the difference between
two sizes, which leaves out an engine's startup time, however it reports that. Engines in a JVM keep getting faster, so
their two sizes are 2,000,000 and 4,000,000; the others' are those above. The engines are defined in `engines.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from benchmarks import common
from benchmarks.engines import OUR_SETTINGS, OURS, PEERS_IN_ORDER, Peer, Run
from sf_police.calls import QUESTION
from sf_police.store.answers import StoreReader
from sf_police.store.database import existing_database
from tests.support.environment import variables

SIZES = (200_000, 1_000_000, 2_000_000) if common.IS_QUICK else (200_000, 2_000_000, 4_000_000)
PARTITIONS = 3


def calls_file(folder: Path, count: int) -> Path:
    """Write the calls to an NDJSON file and return its path."""
    path = folder / f"calls-{count}.ndjson"
    with path.open("wb") as file:
        file.writelines(record.value + b"\n" for record in common.many_records(count))
    return path


def seconds(peer: Peer, run: Run, folder: Path) -> tuple[float, float]:
    """Run the peer and check its counts; return the seconds from the start of its process to counts and to answer.

    Each peer reports on standard error when its counts are written: ours one line per micro-batch, the others
    `counted`, which is their answer, too. Some then rewrite the counts in the form that is checked, which is not timed.
    Our answer is printed at the end.
    """
    state = folder / "state"
    env = {
        **os.environ,
        **variables(
            **OUR_SETTINGS, KAFKA_BOOTSTRAP_SERVERS=run.servers, KAFKA_TOPIC=run.topic, STATE_DIR=str(state)
        ),
        "PEER_CORES": str(os.cpu_count()), "PYTHONPATH": str(common.ROOT), "PYSPARK_PYTHON": sys.executable,
    }  # fmt: skip
    said: list[str] = []
    counted = 0.0
    started = time.time()
    command = peer.command(run)
    with (
        (folder / "out").open("wb") as out,
        subprocess.Popen(command, cwd=common.ROOT, env=env, stdout=out, stderr=subprocess.PIPE, text=True) as process,
    ):
        assert process.stderr
        for line in process.stderr:
            said.append(line)
            if line.startswith(("batch ", "counted")):
                counted = time.time()
    ended = time.time()
    if process.returncode or not counted:
        raise SystemExit(f"{peer.name} failed:\n{''.join(said[-40:])}")
    _check(peer, run, state)
    return counted - started, (ended if peer.has_store else counted) - started


def _check(peer: Peer, run: Run, state: Path) -> None:
    if not peer.is_checked:
        return
    expected = _expected(run.total, is_distinct=peer.is_distinct)
    if peer.has_store:
        expected = common.by_resolution(expected)
        question = replace(QUESTION, drops_duplicates=peer.is_distinct)
        with closing(existing_database(f"sqlite:///{state / 'answers.db'}", question)) as database:
            found = common.stored_counts(StoreReader(database))
    else:
        lines = run.path.read_text().splitlines()
        found = {(start, name, code): calls for start, name, code, calls in map(json.loads, lines)}
    if found != expected:
        raise SystemExit(f"{peer.name}: the counts are wrong")


@lru_cache
def _expected(count: int, *, is_distinct: bool) -> common.Counts:
    return common.expected_counts((record.value for record in common.many_records(count)), is_distinct=is_distinct)


def table(rows: list[dict[str, Any]]) -> str:
    """Format the result as Markdown."""
    head = ("engine", "rows/s, steady", "of ours", *(f"{count:,} from cold, s" for count in SIZES[:2]))
    body = [
        (
            row["name"],
            common.text_of(row["rows_per_s"]),
            "" if row["of_ours"] is None else f"{row['of_ours']:.2f}",
            *(common.text_of(row["cold_s"][str(count)], ".1f") for count in SIZES[:2]),
            row["note"],
        )
        for row in rows
    ]
    return common.markdown_table((*head, "what it leaves out"), body)


def sizes_of(peer: Peer) -> tuple[int, ...]:
    """Return how many calls the peer counts in each run; the last two sizes yield its steady state."""
    return SIZES if peer.is_of_a_jvm else SIZES[:2]


def result_of(peer: Peer, times: dict[int, list[tuple[float, float]]]) -> dict[str, Any]:
    """Compute rows/s in steady state and seconds from cold, from the times to counts and to answer by size."""
    *_, less, more = sizes_of(peer)
    pairs = zip(times[less], times[more], strict=True)
    steady = [(more - less) / (longer[0] - shorter[0]) for shorter, longer in pairs]
    cold = {str(count): common.spread([answered for _, answered in of_size]) for count, of_size in times.items()}
    return {"name": peer.name, "rows_per_s": common.spread(steady, 0), "cold_s": cold, "note": peer.note}


def main() -> None:
    """Measure, and write the result."""
    repeats = common.repeats()
    wanted = [name for name in os.environ.get("BENCH_ONLY", "").split(",") if name]
    if unknown := set(wanted).difference(peer.name for peer in PEERS_IN_ORDER):
        names = ", ".join(peer.name for peer in PEERS_IN_ORDER)
        raise SystemExit(f"BENCH_ONLY={','.join(sorted(unknown))}: expected names from {names}")
    peers = [peer for peer in PEERS_IN_ORDER if not wanted or peer.name in wanted]
    sizes = sorted({count for peer in peers for count in sizes_of(peer)})
    machine = common.machine()
    for peer in peers:
        peer.install()
    times: dict[str, dict[int, list[tuple[float, float]]]] = {peer.name: {} for peer in peers}
    with tempfile.TemporaryDirectory() as name, common.broker(Path(name)) as servers:
        folder = Path(name)
        topic_of = {count: common.filled_topic(servers, count, PARTITIONS) for count in sizes}
        file_of = {count: calls_file(folder, count) for count in SIZES[:2]}
        # Sizes whose difference is taken follow each other: on a shared machine the speed changes by the minute.
        turns = [(peer, count) for peer in peers for count in sizes_of(peer)]
        with common.progress_bar("peers", len(turns) * repeats) as advance:
            for repeat in range(repeats):
                for peer, count in turns:
                    advance(f"{repeat + 1}/{repeats} {peer.name}: {count:,}")
                    with tempfile.TemporaryDirectory(dir=folder) as own:
                        run = Run(servers, topic_of[count], count, file_of.get(count), Path(own) / "counts.ndjson")
                        times[peer.name].setdefault(count, []).append(seconds(peer, run, Path(own)))
    rows = [result_of(peer, times[peer.name]) for peer in peers]
    ours = [row["rows_per_s"]["median"] for row in rows if row["name"] == OURS.name]
    for row in rows:
        row["of_ours"] = round(row["rows_per_s"]["median"] / ours[0], 2) if ours else None
    result = {"machine": machine, "repeats": repeats, "calls": SIZES, "peers": rows}
    common.save_result("peers", result, table(rows))


if __name__ == "__main__":
    main()
