"""Kafka as Spark's source: its columns, and the options of every read. The Python clients are in `topic/`."""

from __future__ import annotations

import json
from typing import Final

from sf_police.config import Config
from sf_police.question import REASON
from sf_police.store.tables import Offsets
from sf_police.topic.client_properties import spark_options
from sf_police.topic.clients import kafka_access
from sf_police.topic.oauth import allowed_urls

# Columns of a Kafka-shaped frame, as Spark's source names them.
VALUE: Final = "value"
TOPIC: Final = "topic"
PARTITION: Final = "partition"
OFFSET: Final = "offset"
TIMESTAMP: Final = "timestamp"
KAFKA_COLUMNS: Final = (VALUE, TOPIC, PARTITION, OFFSET, TIMESTAMP)
# Columns of the store's `rejected`.
REJECTED: Final = (TOPIC, PARTITION, OFFSET, REASON, VALUE)

# At most what a task reads, compressed: whatever is fetched beyond that, the partition's next task fetches again.
_FETCH_BYTES: Final = 4 << 20
# A micro-batch reads what is there. At the end of it the consumer asks for more all the same, and Spark's next request
# (for the partition's first and last offset, after every fetch) waits behind that: Kafka's 500 ms, or until more comes.
_FETCH_WAIT_MS: Final = 1
_POLL_RECORDS: Final = 5_000
_RECORDS_IN_A_TASK: Final = 50_000


def kafka(name: str) -> str:
    """Return the name under which the pipeline keeps one of Kafka's columns."""
    return f"_{name}"


def kafka_reader_options(config: Config) -> dict[str, str]:
    """Return the options of every read. Spark ignores an option it does not know, so a test lists these."""
    access = kafka_access(config)
    return {
        "kafka.bootstrap.servers": access.servers,
        "subscribe": config.kafka_topic,
        # Records deleted before they were read are an error, never a silent gap.
        "failOnDataLoss": "true",
        "kafka.max.partition.fetch.bytes": str(_FETCH_BYTES),
        "kafka.fetch.max.wait.ms": str(_FETCH_WAIT_MS),
        "kafka.max.poll.records": str(_POLL_RECORDS),
        **spark_options(access.properties),
        # Records of aborted and open transactions are not counted.
        "kafka.isolation.level": access.isolation_level,
    }


def java_properties(config: Config) -> dict[str, str]:
    """Return the system properties that let Kafka's Java client do what its settings say."""
    return allowed_urls(kafka_access(config).properties)


def kafka_source_options(config: Config) -> dict[str, str]:
    """Return the options of the stream's source."""
    options = {
        **kafka_reader_options(config),
        "startingOffsets": config.starting_offsets,
        # Three partitions on two cores would leave one idle for a third of a large batch.
        "maxRecordsPerPartition": str(_RECORDS_IN_A_TASK),
    }
    if config.max_offsets_per_trigger:
        options["maxOffsetsPerTrigger"] = str(config.max_offsets_per_trigger)
    return options


def kafka_span_options(config: Config, start: Offsets, end: Offsets) -> dict[str, str]:
    """Return the options of a batch read from `start` (inclusive) to `end` (exclusive), offsets by partition."""
    options = kafka_reader_options(config)
    # Of these partitions only: a subscription would ask for the offsets of those that were added since, too.
    del options["subscribe"]
    return {
        **options,
        "assign": json.dumps({config.kafka_topic: sorted(map(int, end))}),
        "startingOffsets": json.dumps({config.kafka_topic: start}),
        "endingOffsets": json.dumps({config.kafka_topic: end}),
    }
