"""What lessons run on: generated calls, Spark, and a broker where one is needed. Each is started when it is used."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from os import utime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from kafka.admin import KafkaAdminClient
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming import StreamingQuery
from pyspark.sql.streaming.readwriter import DataStreamWriter

from sf_police.calls import QUESTION
from sf_police.calls.generate import generate_calls
from sf_police.config import Config
from sf_police.produce.producer import publish
from sf_police.produce.records import event_records
from sf_police.spark.session import create_session, stop_session
from sf_police.stream.pipeline import validated_records
from sf_police.stream.transformations import filter_rejected
from sf_police.topic.admin import create_topic, describe_topic
from sf_police.topic.clients import KafkaAccess, broker_errors, client_options
from sf_police.topic.record import Record
from sf_police.topic.sending import kafka_producer

CALLS = 20_000
REPEATED = 4  # calls that the generator yields twice
STATE_PARTITIONS = "spark.sql.shuffle.partitions"
_SCHEMA = "value binary, topic string, partition int, offset bigint, timestamp timestamp"
_PRODUCED = datetime(2026, 1, 1, tzinfo=UTC)


@lru_cache
def records(count: int = CALLS) -> tuple[Record, ...]:
    """Return this many different calls in the order of events, and four of them twice."""
    return tuple(event_records(generate_calls(count + REPEATED), QUESTION))


def values(count: int = CALLS) -> list[bytes]:
    """Return this many different calls as they are in the topic, each once."""
    return list(dict.fromkeys(record.value for record in records(count)))


def accepted_calls(rows: DataFrame) -> DataFrame:
    """Return valid calls of Kafka's rows: their required fields and `event_time`."""
    return filter_rejected(validated_records(rows, question=QUESTION), question=QUESTION)


class Bench:
    """Spark and brokers. `servers` starts a broker or names one, and is called when a lesson needs it."""

    def __init__(self, config: Config, folder: Path, servers: Callable[[], str]) -> None:
        self._config, self.folder, self._servers, self._topics = config, folder, servers, list[str]()

    @cached_property
    def servers(self) -> str:
        """The brokers."""
        return self._servers()

    @cached_property
    def access(self) -> KafkaAccess:
        """How the project's own functions reach them."""
        return KafkaAccess(self.servers, {})

    @cached_property
    def spark(self) -> SparkSession:
        """A session as the project's stream has it for small micro-batches, with one state partition."""
        own = replace(self._config, state_dir=self.folder, checkpoint=str(self.new_path()), spark_master="local[2]")
        session = create_session(replace(own, max_offsets_per_trigger=1_000), records=CALLS)
        session.conf.set(STATE_PARTITIONS, "1")
        return session

    def new_path(self) -> Path:
        """Return the path of a folder that does not exist yet."""
        return self.folder / uuid.uuid4().hex

    def files(self, values: Iterable[bytes], *, rows: int) -> str:
        """Write records with the columns of Kafka's source into files of so many rows; Spark reads the oldest first."""
        folder, each = self.new_path(), list(values)
        folder.mkdir()
        for start in range(0, len(each), rows):
            some = each[start : start + rows]
            columns = {"value": some, "topic": ["calls"] * len(some), "partition": pa.array([0] * len(some), "int32")}
            columns |= {"offset": list(range(start, start + len(some)))}
            columns |= {"timestamp": pa.array([_PRODUCED] * len(some), pa.timestamp("us", tz="UTC"))}
            path = folder / f"{start:08}.parquet"
            pq.write_table(pa.table(columns), path)
            utime(path, (start, start))
        return str(folder)

    def frame(self, values: Iterable[bytes]) -> DataFrame:
        """Return records as Kafka's source does, as a batch."""
        return self.spark.read.schema(_SCHEMA).parquet(self.files(values, rows=CALLS))

    def stream(self, values: Iterable[bytes], *, rows: int) -> DataFrame:
        """Return them as a stream with micro-batches of this many rows, in this order: as of a single partition."""
        return self.stream_of(self.files(values, rows=rows))

    def stream_of(self, files: str) -> DataFrame:
        """Return such files as a stream, each of them a micro-batch."""
        return self.spark.readStream.schema(_SCHEMA).option("maxFilesPerTrigger", 1).parquet(files)

    def run(
        self, writer: DataStreamWriter, take: Callable[[DataFrame], None], checkpoint: Path | None = None
    ) -> StreamingQuery:
        """Run a stream to its end; `take` gets the rows of each micro-batch, and has to read all of them once."""
        writer = writer.option("checkpointLocation", str(checkpoint or self.new_path())).trigger(availableNow=True)
        query = writer.foreachBatch(lambda frame, _: take(frame)).start()
        query.awaitTermination()
        return query

    def count(self, rows: DataFrame, where: str = "true") -> int:
        """Run a stream to its end; return how many rows came out of it."""
        counts: list[int] = []
        self.run(rows.writeStream, lambda frame: counts.append(frame.filter(where).count()))
        return sum(counts)

    def topic(self, partitions: int) -> str:
        """Create a topic, which `close` deletes."""
        name = f"exercise-{uuid.uuid4().hex[:12]}"
        create_topic(self.access, name, partitions=partitions)
        self._topics.append(name)
        return name

    def send(self, records: Iterable[Record], topic: str, *, partitions: int) -> None:
        """Send records as the project does."""
        with kafka_producer(self.access, describe_topic(self.access, topic)) as producer:
            publish([list(records)], producer, partitions=partitions)

    def close(self) -> None:
        """Delete the topics and stop Spark."""
        if "spark" in vars(self):
            stop_session(self.spark)
        if self._topics:
            with broker_errors(self.access), closing(KafkaAdminClient(**client_options(self.access))) as admin:
                admin.delete_topics(self._topics)
