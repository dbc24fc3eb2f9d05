"""Real-Time Mode beside micro-batches, `python -m benchmarks.real_time`: topic -> strict parse -> two other topics.

Each way runs the same frame, made of the pipeline's own steps, into the same sink; the trigger differs. A record's
latency is the broker's clock at both ends: the Kafka timestamp of what came out of it, less its own. Every record has
to come out once, to the byte, with the verdict that is known of it. docs/how-it-compares.md says what to make of it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

from kafka.consumer.fetcher import ConsumerRecord
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from benchmarks import common
from benchmarks.state_store import _cpu_ms
from sf_police.calls import QUESTION
from sf_police.config import Config
from sf_police.produce import producer
from sf_police.produce.pace import paced
from sf_police.question import REASON
from sf_police.spark.session import create_session, stop_session
from sf_police.stream.pipeline import validated_records
from sf_police.stream.source import OFFSET, PARTITION, VALUE, kafka, kafka_source_options
from sf_police.topic import admin, sending
from sf_police.topic.clients import kafka_access
from sf_police.topic.record import Record
from tests.support.oracle import judge, read_topic
from tests.support.parser_table import FUTURE, TABLE

PARTITIONS = 3
RATE = 1_000  # records/s
WARM_UP_S, SECONDS = (10, 10) if common.IS_QUICK else (30, 30)
REPEATS = common.repeats()
# A batch of Real-Time Mode needs a task for each partition at the same time.
MASTER, TOO_FEW = f"local[{PARTITIONS}]", f"local[{PARTITIONS - 1}]"
STARVED_S = 20
BAD_EVERY = 10
_LONGEST_BYTES = 2_000
_WAIT_S = 120
OF_MICRO_BATCHES = ("maxOffsetsPerTrigger", "maxRecordsPerPartition")
# Those whose fault is the parser's, whatever the clock says.
BAD = [
    (value, reason)
    for _, value, reason in TABLE
    if value is not None and reason not in (None, FUTURE) and len(value) <= _LONGEST_BYTES
]


@dataclass(frozen=True)
class Way:
    """How the query runs: its trigger, and what its sink is told besides."""

    trigger: Mapping[str, str]
    sink: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_real_time(self) -> bool:
        """Whether this is Real-Time Mode."""
        return "realTime" in self.trigger


_AT_ONCE = {"processingTime": "0 seconds"}
WAYS = {
    "micro-batch": Way(_AT_ONCE),
    "micro-batch, progress tracked beside it": Way(_AT_ONCE, sink={"asyncProgressTrackingEnabled": "true"}),
    "Real-Time Mode, batches of 5 s": Way({"realTime": "5 seconds"}),
    "Real-Time Mode, batches of 5 min": Way({"realTime": "5 minutes"}),
}


class Judged(NamedTuple):
    """A record to send, and the reason for which it has to be rejected; None: it is a call."""

    record: Record
    reason: str | None


@dataclass(frozen=True)
class Run:
    """One run of a way: so many records at RATE, of which the first ones are for warming up."""

    servers: str
    name: str
    way: str
    master: str
    warm_up: int
    count: int
    folder: str

    @property
    def topics(self) -> tuple[str, str, str]:
        """The topics of records, of accepted and of rejected ones."""
        return self.name, f"{self.name}-accepted", f"{self.name}-rejected"


def judged(count: int) -> Iterator[Judged]:
    """Yield generated calls in event-time order; every tenth record is a broken one from the parser's own table."""
    bad = cycle(BAD)
    for record in common.many_records(count):
        if record.position % BAD_EVERY:
            yield Judged(record, None)
        else:
            value, reason = next(bad)
            yield Judged(record._replace(value=value), reason)


def place(position: int) -> bytes:
    """Return the key under which a record has to come out: its partition and offset."""
    return f"{position % PARTITIONS}:{position // PARTITIONS}".encode()


def verdicts(records: DataFrame, *, accepted: str, rejected: str) -> DataFrame:
    """Return a row for Kafka's sink per record: its place as key, its bytes, its topic, and the reason as a header."""
    reason = F.col(REASON)
    header = F.struct(F.lit(REASON).alias("key"), reason.cast("binary").alias("value"))
    places = (F.col(kafka(name)).cast("string") for name in (PARTITION, OFFSET))
    return records.transform(validated_records, question=QUESTION).select(
        F.concat_ws(":", *places).alias("key"),
        F.col(kafka(VALUE)).alias("value"),
        F.when(reason.isNull(), F.lit(accepted)).otherwise(F.lit(rejected)).alias("topic"),
        F.when(reason.isNotNull(), F.array(header)).alias("headers"),
    )


def started(session: SparkSession, config: Config, run: Run) -> StreamingQuery:
    """Start the query."""
    way, (_, accepted, rejected) = WAYS[run.way], run.topics
    options = kafka_source_options(config)
    if way.is_real_time:  # its batches end by the clock, and have a task for each partition
        options = {name: value for name, value in options.items() if name not in OF_MICRO_BATCHES}
    records = session.readStream.format("kafka").options(**options).load()
    writer = records.transform(verdicts, accepted=accepted, rejected=rejected).writeStream.format("kafka")
    writer = writer.option("kafka.bootstrap.servers", run.servers).options(**way.sink).outputMode("update")
    writer = writer.option("checkpointLocation", str(Path(run.folder, "checkpoint")))
    return writer.trigger(**way.trigger).start()  # type: ignore[call-overload]


def measure(run: Run) -> dict[str, Any]:
    """Run a way, send the records, and return what came out: latencies, in milliseconds, and the JVM's CPU.

    Raises:
        SystemExit: what came out is not what was sent.
    """
    config = common.config_with(
        kafka_bootstrap_servers=run.servers, kafka_topic=run.name, state_dir=run.folder, spark_master=run.master,
        max_offsets_per_trigger=5_000,  # as one would set it for low latency
    )  # fmt: skip
    access = kafka_access(config)
    for topic in run.topics:
        admin.create_topic(access, topic, partitions=PARTITIONS)
    sent = list(judged(run.count))
    cpu_ms: list[int] = []
    session = create_session(config)
    try:
        jvm = session.sparkContext._gateway.proc.pid  # type: ignore[union-attr]
        query = started(session, config, run)

        def records() -> Iterator[Record]:
            for one in sent:
                if one.record.position == run.warm_up:
                    cpu_ms.append(_cpu_ms(jvm))
                yield one.record

        with sending.kafka_producer(access, admin.describe_topic(access, run.name)) as client:
            producer.publish(paced(records(), rate=RATE), client, partitions=PARTITIONS)
        cpu_ms.append(_cpu_ms(jvm))
        out = _came_out(query, run)
        query.stop()
    finally:
        stop_session(session)
    if out < run.count and run.master == TOO_FEW:
        return {"sent": run.count, "came_out": out}
    came = [[one for part in read_topic(run.servers, topic).values() for one in part] for topic in run.topics]
    check(sent, *came)
    return {
        **latency(*came, since=run.warm_up),
        "cpu_share": round((cpu_ms[1] - cpu_ms[0]) * RATE / (run.count - run.warm_up) / 1000, 2),
        "load": round(os.getloadavg()[0], 1),
    }


def _came_out(query: StreamingQuery, run: Run) -> int:
    # How many records came out, once they all did or nothing has come for long.
    out, deadline = -1, 0.0
    while True:
        found = sum(common.held_records(run.servers, topic) for topic in run.topics[1:])
        if found != out:
            # Of a partition that is not read nothing comes, however long one waits; but the start may take its time.
            is_starved = found > 0 and run.master == TOO_FEW
            out, deadline = found, time.monotonic() + (STARVED_S if is_starved else _WAIT_S)
        if out >= run.count or time.monotonic() > deadline:
            return out
        if query.awaitTermination(0.5):  # type: ignore[arg-type] # a fraction is fine
            raise SystemExit(f"{run.way}: the query ended by itself")


def check(
    sent: Sequence[Judged],
    records: Iterable[ConsumerRecord],
    accepted: Iterable[ConsumerRecord],
    rejected: Iterable[ConsumerRecord],
) -> None:
    """Raise SystemExit unless each record that was sent came out once, to the byte, with the right verdict.

    The verdict is known twice over: a broken record's reason from the parser's table, and whether it is a call at all
    from the oracle of the tests, which is plain Python.
    """
    there = {place_of(one): one for one in records}
    out: dict[bytes, tuple[bytes | None, str | None]] = {}
    for one in accepted:
        _add(out, one, None)
    for one in rejected:
        _add(out, one, dict(one.headers)[REASON].decode())
    for record, reason in sent:
        key = place(record.position)
        if key not in there or there[key].value != record.value:
            raise SystemExit(f"the topic does not hold record {record.position} at {key.decode()}")
        if (judge(record.value, there[key].timestamp) is None) != (reason is not None):
            raise SystemExit(f"record {record.position} is not what the table says: {reason}")
        if out.pop(key, None) != (record.value, reason):
            raise SystemExit(f"record {key.decode()} did not come out as it should: {reason or 'accepted'}")
    if out:
        raise SystemExit(f"{len(out)} records came out that were not sent")


def _add(out: dict[bytes, tuple[bytes | None, str | None]], one: ConsumerRecord, reason: str | None) -> None:
    if one.key in out:
        raise SystemExit(f"record {one.key.decode()} came out twice")
    out[one.key] = (one.value, reason)


def place_of(record: ConsumerRecord) -> bytes:
    """Return a record's own partition and offset, as in `place`."""
    return f"{record.partition}:{record.offset}".encode()


def latency(
    records: Iterable[ConsumerRecord],
    accepted: Iterable[ConsumerRecord],
    rejected: Iterable[ConsumerRecord],
    *,
    since: int,
) -> dict[str, int]:
    """Return the median, 99th percentile and maximum of the latencies in ms, of the records from a position on."""
    came_ms = {place_of(one): one.timestamp for one in records if one.offset * PARTITIONS + one.partition >= since}
    taken = [one.timestamp - came_ms[one.key] for each in (accepted, rejected) for one in each if one.key in came_ms]
    cuts = statistics.quantiles(taken, n=100)
    return {"records": len(taken), "p50_ms": round(cuts[49]), "p99_ms": round(cuts[98]), "max_ms": max(taken)}


def in_a_process(run: Run) -> dict[str, Any]:
    """Measure in a process of its own, as a JVM gets faster while it runs."""
    command = [sys.executable, "-m", "benchmarks.real_time", json.dumps(asdict(run))]
    done = subprocess.run(command, cwd=common.ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{run.way}: {done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def table(results: Mapping[str, list[dict[str, Any]]]) -> str:
    """Format the result as Markdown: of each way's runs, median (minimum–maximum); the load says how busy it was."""
    head = ("way", "median, ms", "99th percentile, ms", "longest, ms", "cores of the JVM", "load of the machine")
    rows = []
    for way, runs in results.items():
        names = ("p50_ms", "p99_ms", "max_ms")
        spreads = (common.text_of(common.spread([run[name] for run in runs], 0)) for name in names)
        cores, load = (common.spread([run[name] for run in runs]) for name in ("cpu_share", "load"))
        rows.append((way, *spreads, common.text_of(cores, ".2f"), common.text_of(load, ".1f")))
    return common.markdown_table(head, rows)


def main() -> None:
    """Measure, the ways in turns, and write the result."""
    if len(sys.argv) > 1:
        print(json.dumps(measure(Run(**json.loads(sys.argv[1])))))
        return
    machine = common.machine()
    results: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    warm_up, count = RATE * WARM_UP_S, RATE * (WARM_UP_S + SECONDS)
    with (
        tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name,
        common.broker(Path(name) / "broker") as servers,
        common.progress_bar("real time", REPEATS * len(WAYS) + 1) as advance,
    ):
        for repeat in range(REPEATS):
            for number, way in enumerate(WAYS):
                advance(way)
                topic = f"real-time-{repeat}-{number}-{os.getpid()}"
                folder = str(Path(name, topic))
                results[way].append(in_a_process(Run(servers, topic, way, MASTER, warm_up, count, folder)))
        advance(f"Real-Time Mode with fewer tasks than partitions: {TOO_FEW}")
        topic, way = f"real-time-starved-{os.getpid()}", list(WAYS)[-2]
        starved = in_a_process(Run(servers, topic, way, TOO_FEW, 0, STARVED_S * RATE, str(Path(name, topic))))
    result = {"machine": machine, "rate": RATE, "seconds": SECONDS, "partitions": PARTITIONS, "runs": results,
              "starved": starved}  # fmt: skip
    common.save_result("real_time", result, table(results))


if __name__ == "__main__":
    main()
