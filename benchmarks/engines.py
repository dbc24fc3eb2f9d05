"""The peers: how each is installed and run, in an environment of its own in PEERS_DIR. Timing is in `race.py`."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyspark

from benchmarks.common import ROOT

PEERS = ROOT / "benchmarks" / "peers"
PEERS_DIR = Path(os.environ.get("PEERS_DIR", "~/.cache/sf-police/peers")).expanduser()
FLINK_CONNECTOR = ("org.apache.flink", "flink-sql-connector-kafka", "5.0.0-2.2")
KAFKA_STREAMS = ("org.apache.kafka", "kafka-streams", "4.3.1")


# Spark splits a cap between partitions and rounds down: one that divides the calls evenly would leave a tiny last
# micro-batch.
OUR_SETTINGS = {"UNTIL_END": "1", "MAX_OFFSETS_PER_TRIGGER": "690000", "SPARK_DRIVER_MEMORY": "4g"}


@dataclass(frozen=True)
class Run:
    """What a peer has to count."""

    servers: str
    topic: str
    total: int
    file: Path | None  # the same calls as NDJSON; None for the largest size, which only peers in a JVM count
    path: Path  # for the counts

    def arguments(self, *, is_of_file: bool = False) -> list[str]:
        """Return the source, topic, total and path, as every peer expects them."""
        return [str(self.file) if is_of_file else self.servers, self.topic, str(self.total), str(self.path)]


@dataclass(frozen=True)
class Peer:
    """An engine, with a note on what it leaves out."""

    name: str
    command: Callable[[Run], list[str]]
    install: Callable[[], object]
    note: str = ""
    is_checked: bool = True
    has_store: bool = False  # counts in our store, by resolution; otherwise in a file, by disposition
    is_distinct: bool = False  # removes duplicates
    is_of_a_jvm: bool = False  # runs in a JVM, which gets faster as it runs


def python_of(environment: str) -> Callable[[], Path]:
    """Return a function that creates a venv from `requirements-<environment>.txt`, once, and returns its Python."""

    def install() -> Path:
        folder, requirements = PEERS_DIR / environment, PEERS / f"requirements-{environment}.txt"
        python, stamp = folder / "bin" / "python", folder / "installed.txt"
        if not stamp.exists() or stamp.read_text() != requirements.read_text():
            venv.create(folder, with_pip=True)
            subprocess.run([python, "-m", "pip", "install", "-q", "-r", requirements], check=True)
            stamp.write_text(requirements.read_text())
        return python

    return install


def jars_of(organisation: str, name: str, version: str) -> list[Path]:
    """Return a jar from Maven Central with its dependencies, fetched once by the Ivy that pyspark ships."""
    folder = PEERS_DIR / f"{name}-{version}"
    if not folder.exists():
        [ivy] = (Path(pyspark.__path__[0]) / "jars").glob("ivy-*.jar")
        command = ["java", "-jar", ivy, "-cache", PEERS_DIR / "ivy", "-types", "jar", "bundle"]
        command += ["-dependency", organisation, name, version]
        part = folder.with_name(f"{folder.name}.part")
        subprocess.run([*command, "-retrieve", f"{part}/[artifact]-[revision].[ext]"], check=True, capture_output=True)
        part.rename(folder)
    return sorted(folder.glob("*.jar"))


def _flink_jar() -> Path:
    [jar] = [path for path in jars_of(*FLINK_CONNECTOR) if path.name.startswith("flink-sql-connector")]
    return jar


_STREAMS_CLASSES = PEERS_DIR / "streams-classes"


def _streams_class_path() -> str:
    return os.pathsep.join(map(str, [_STREAMS_CLASSES, *jars_of(*KAFKA_STREAMS)]))


def _compile_streams() -> None:
    command = ["javac", "-d", _STREAMS_CLASSES, "-cp", _streams_class_path(), PEERS / "StreamsCount.java"]
    subprocess.run(command, check=True)


def _script(environment: str, name: str, *, is_of_file: bool = False) -> Callable[[Run], list[str]]:
    python = PEERS_DIR / environment / "bin" / "python"
    return lambda run: [str(python), str(PEERS / name), *run.arguments(is_of_file=is_of_file)]


def _streams(run: Run) -> list[str]:
    return ["java", "-XX:+UseParallelGC", "-Xmx4g", "-cp", _streams_class_path(), "StreamsCount", *run.arguments()]


OURS = Peer(
    "sf-police",
    lambda _: [sys.executable, "-m", "sf_police", "stream"],
    lambda: None,
    "nothing: strict parser, duplicate removal, checkpoint, store and answer are in it",
    has_store=True,
    is_distinct=True,
    is_of_a_jvm=True,
)
PEERS_IN_ORDER = (
    OURS,
    Peer(
        "sf-police (with repeats)",
        lambda _: [sys.executable, "-m", "benchmarks.peers.with_repeats", "stream"],
        lambda: None,
        "no duplicate removal; the rest as above",
        has_store=True,
        is_of_a_jvm=True,
    ),
    Peer(
        "Flink SQL",
        lambda run: [*_script("flink", "flink_sql.py")(run), str(_flink_jar())],
        lambda: (python_of("flink")(), _flink_jar()),
        "lenient JSON, no duplicate removal, no checkpoint",
        is_of_a_jvm=True,
    ),
    Peer(
        "Flink SQL like for like",
        lambda run: [*_script("flink", "flink_sql.py")(run), str(_flink_jar()), "like-for-like"],
        lambda: (python_of("flink")(), _flink_jar()),
        "lenient JSON; duplicates removed, a checkpoint every 5 s",
        is_distinct=True,
        is_of_a_jvm=True,
    ),
    Peer(
        "Kafka Streams",
        _streams,
        _compile_streams,
        "lenient JSON, no duplicate removal, no changelog",
        is_of_a_jvm=True,
    ),
    Peer(
        "confluent-kafka + orjson",
        _script("loops", "confluent_loop.py"),
        python_of("loops"),
        "a loop: no state kept, one core",
    ),
    Peer(
        "kafka-python + json",
        _script("loops", "kafka_python_loop.py"),
        python_of("loops"),
        "a loop: no state kept, one core",
    ),
    Peer(
        "raw scan by Spark",
        lambda run: [sys.executable, "-m", "benchmarks.peers.spark_scan", *run.arguments()],
        lambda: None,
        "the ceiling: nothing parsed, nothing counted",
        is_checked=False,
        is_of_a_jvm=True,
    ),
    Peer(
        "DuckDB on the file",
        _script("tables", "duckdb_file.py", is_of_file=True),
        python_of("tables"),
        "no stream: a file",
    ),
    Peer(
        "Polars on the file",
        _script("tables", "polars_file.py", is_of_file=True),
        python_of("tables"),
        "no stream: a file",
    ),
    Peer(
        "Pathway",
        _script("pathway", "pathway_count.py"),
        python_of("pathway"),
        "no duplicate removal, no snapshot; counts once, at the end",
    ),
    Peer(
        "Quix Streams",
        _script("quix", "quix_count.py"),
        python_of("quix"),
        "no duplicate removal, no changelog; one core",
    ),
    Peer(
        "Bytewax",
        _script("bytewax", "bytewax_count.py"),
        python_of("bytewax"),
        "no duplicate removal, no recovery; counts once, at the end",
    ),
)
