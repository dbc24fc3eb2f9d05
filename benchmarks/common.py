"""What all benchmarks share: a broker, topics of known calls, the expected counts, the machine, and JSON results.

What is measured is in the other modules.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyspark
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from sf_police.calls import QUESTION
from sf_police.calls.dispositions import meanings
from sf_police.calls.generate import generate_calls
from sf_police.config import Config, resolve, settings
from sf_police.environment import given_settings
from sf_police.produce import producer
from sf_police.produce.pace import paced
from sf_police.produce.records import event_records
from sf_police.store.answers import StoreReader
from sf_police.topic import admin, sending
from sf_police.topic.clients import kafka_access
from sf_police.topic.record import Record
from tests.support.brokers import free_ports
from tests.support.environment import variables

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
IS_QUICK = os.environ.get("BENCH_QUICK") == "1"
QUARTER = 200_000
_TIME = re.compile(rb'"call_date_time":"([^"]{23})"')


def repeats(*, quick: int = 1, full: int = 3) -> int:
    """Return how often to measure: BENCH_REPEATS or `full`; in a quick run always `quick`."""
    return quick if IS_QUICK else int(os.environ.get("BENCH_REPEATS", full))


def config_with(**values: object) -> Config:
    """Return the settings of the environment, with these values replaced."""
    given = given_settings(os.environ, [setting.name for setting in settings()]).settings
    text = {name: None if value is None else str(value) for name, value in values.items()}
    return resolve({**given, **text}, QUESTION.defaults)


@contextmanager
def broker(state: Path) -> Iterator[str]:
    """Yield the brokers of KAFKA_BOOTSTRAP_SERVERS, or one of our own that stops at the end of the context."""
    given = given_settings(os.environ, [setting.name for setting in settings()]).settings
    if "kafka_bootstrap_servers" in given:
        yield given["kafka_bootstrap_servers"]
        return
    port = given.get("kafka_port", str(free_ports()))
    env = {**os.environ, **variables(KAFKA_PORT=port, STATE_DIR=str(state)), "PYTHON": sys.executable}
    env |= {"KAFKA_PORT": port, "STATE_DIR": str(state)}
    if subprocess.run([ROOT / "scripts" / "kafka-start.sh"], env=env, check=False).returncode:
        raise SystemExit(1)
    try:
        yield f"localhost:{port}"
    finally:
        subprocess.run([ROOT / "scripts" / "kafka-stop.sh"], env=env, check=True)


@lru_cache(maxsize=1)
def _quarter() -> list[Record]:
    return list(event_records(generate_calls(calls=QUARTER, seed=QUESTION.seed), QUESTION))


def many_records(count: int) -> Iterator[Record]:
    """Yield this many calls in event-time order: a generated quarter, preceded by copies with earlier event times."""
    quarters = -(-count // QUARTER)
    for quarter in range(quarters):
        back = timedelta(days=92 * (quarters - 1 - quarter))

        @lru_cache(maxsize=256)
        def shifted(text: bytes, back: timedelta = back) -> bytes:
            return (datetime.fromisoformat(text.decode()) - back).isoformat(timespec="milliseconds").encode()

        for record in _quarter()[: count - quarter * QUARTER]:
            found = _TIME.search(record.value)
            value = record.value
            if found and back:
                value = value[: found.start(1)] + shifted(found[1]) + value[found.end(1) :]
            yield Record(quarter * QUARTER + record.position, "", record.key, value)


def chromium() -> str:
    """Return the path of a Chromium on this machine. Raises SystemExit if there is none."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        raise SystemExit("no Chromium on the PATH: install one (Debian: chromium)")
    return found


def held_records(servers: str, topic: str) -> int:
    """Return how many records the topic holds."""
    return admin.describe_topic(kafka_access(config_with(kafka_bootstrap_servers=servers)), topic).records


def filled_topic(servers: str, count: int, partitions: int) -> str:
    """Return the name of a topic that holds `many_records(count)`; fill it if it is empty."""
    name = f"bench-{count}-{partitions}"
    access = kafka_access(config_with(kafka_bootstrap_servers=servers))
    admin.create_topic(access, name, partitions=partitions)
    topic = admin.describe_topic(access, name)
    if topic.records == count:
        return name
    if topic.records:
        raise SystemExit(f"{name} is only partly filled: run `make kafka-clean STATE_DIR=...`, then run it again")
    with sending.kafka_producer(access, topic) as client:
        producer.publish(paced(many_records(count)), client, partitions=partitions)
    return name


Counts = dict[tuple[str, str, str], int]


def expected_counts(values: Iterable[bytes], *, is_distinct: bool = True) -> Counts:
    """Count calls by (window start, crime type, disposition) in plain Python, without duplicates if `is_distinct`."""
    counts: Counts = {}
    seen: set[tuple[str, str]] = set()
    for value in values:
        call = json.loads(value)
        key = (call["crime_id"], call["call_date_time"])
        if is_distinct:
            if key in seen:
                continue
            seen.add(key)
        time = call["call_date_time"]
        start = f"{time[:10]} {time[11:14]}{'30' if time[14:16] >= '30' else '00'}:00"
        group = (start, call["original_crime_type_name"].strip(), call["disposition"].strip())
        counts[group] = counts.get(group, 0) + 1
    return counts


def by_resolution(counts: Counts) -> Counts:
    """Convert counts by disposition into counts by resolution, as in the store."""
    merged: Counts = {}
    for (start, name, code), calls in counts.items():
        group = (start, name, meanings().get(code, code))
        merged[group] = merged.get(group, 0) + calls
    return merged


def stored_counts(store: StoreReader) -> Counts:
    """Return the store's counts by (window start, crime type, resolution)."""
    rows = store.all_counts()
    return {(f"{row['window_start']}", row["crime_type"], row["resolution"]): row["calls"] for row in rows}


def machine() -> dict[str, Any]:
    """Describe the machine that the figures were measured on."""
    cpu = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.*)", cpu.read_text()) if cpu.exists() else None
    java = subprocess.run(["java", "-version"], capture_output=True, text=True, check=True).stderr.splitlines()[0]
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": found[1] if found else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(pages / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "java": java,
        "spark": pyspark.__version__,
        "measured": datetime.now(UTC).isoformat(timespec="minutes"),
        "load_before": [round(load, 2) for load in os.getloadavg()],
    }


def spread(values: Sequence[float], digits: int = 2) -> dict[str, float]:
    """Return the minimum, median and maximum."""
    return {
        "min": round(min(values), digits),
        "median": round(statistics.median(values), digits),
        "max": round(max(values), digits),
    }


def text_of(spread: dict[str, float], form: str = ",.0f") -> str:
    """Format a spread as text: median (minimum–maximum)."""
    low, middle, high = (format(spread[name], form) for name in ("min", "median", "max"))
    return middle if low == high else f"{middle} ({low}–{high})"


def save_result(name: str, result: dict[str, Any], table: str | None = None) -> None:
    """Print the result, as its table if it has one, and write both to BENCH_RESULTS, or benchmarks/results.

    A quick run has files of its own.
    """
    folder = Path(os.environ.get("BENCH_RESULTS", RESULTS))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}{'-quick' if IS_QUICK else ''}.json"
    text = json.dumps(result, indent=1)
    path.write_text(text + "\n")
    if table:
        path.with_suffix(".md").write_text(table + "\n")
    print(table or text)
    print(f"written to {path}", file=sys.stderr)


@contextmanager
def progress_bar(what: str, total: int) -> Iterator[Callable[[str], None]]:
    """Show a bar with the time left; yield a function that names the next step and completes the one before."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    console = Console(stderr=True)
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(what, total=total)
        started = False

        def advance(description: str) -> None:
            nonlocal started
            if not console.is_terminal:
                console.print(description, highlight=False)
            bar.update(task, description=description, advance=1 if started else 0)
            started = True

        yield advance
        bar.update(task, description=what, completed=total)


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Format rows as a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def most_mb() -> int:
    """Return the most memory that this process has had (Linux).

    Not by getrusage, whose maximum a process inherits from the one that started it.
    """
    [most] = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(most) >> 10
