"""The topic as an administrator sees it: create, describe, and the first and next offsets of its partitions."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, KafkaAdminClient, OffsetSpec
from kafka.errors import AuthorizationError, KafkaError, TopicAlreadyExistsError, UnknownTopicOrPartitionError

from sf_police.config import Config
from sf_police.errors import SfPoliceError
from sf_police.topic.client_properties import python_client_options, read_properties

# How long a broker that is there may take to answer. One that is not there refuses at once.
_BROKER_TIMEOUT_MS: Final = 10_000

# Kafka's default of a topic's max.message.bytes, for where the brokers do not tell.
_MAX_MESSAGE_BYTES: Final = 1_048_588

# The event times are of 2018. Were they the records' timestamps, or did a retention apply, the broker would delete
# the topic within the week; and the future-time check needs a clock that is the broker's own.
_TOPIC_CONFIGS: Final = {"retention.ms": "-1", "message.timestamp.type": "LogAppendTime"}


@dataclass(frozen=True)
class Partition:
    """A partition: its leader's id (None: none), and the offsets of its first and of its next record."""

    number: int
    leader: int | None
    replicas: int
    first_offset: int
    next_offset: int

    @property
    def records(self) -> int:
        """Offsets in the log: the records, unless transactions or compaction left gaps."""
        return self.next_offset - self.first_offset


@dataclass(frozen=True)
class Topic:
    """A topic, and the cluster that it is on; both ids change when it is deleted and made again."""

    name: str
    topic_id: str
    cluster_id: str
    partitions: tuple[Partition, ...]
    max_message_bytes: int = _MAX_MESSAGE_BYTES

    @property
    def records(self) -> int:
        """Records in all partitions."""
        return sum(partition.records for partition in self.partitions)


@contextmanager
def admin_client(config: Config) -> Iterator[KafkaAdminClient]:
    """A connected admin client. Raises SfPoliceError when no broker answers."""
    _ensure_reachable(config)
    with broker_errors(config):
        admin = KafkaAdminClient(**client_options(config))
        try:
            yield admin
        finally:
            admin.close()


@contextmanager
def broker_errors(config: Config) -> Iterator[None]:
    """Turn what the client library raises into one line for the user."""
    try:
        yield
    except UnknownTopicOrPartitionError as error:
        raise unknown_topic(config) from error
    except KafkaError as error:
        if "bootstrap" in str(error).lower():
            raise _no_broker(config) from error
        name = type(error).__name__
        raise SfPoliceError(
            f"the broker at {config.kafka_bootstrap_servers}: {name}: {str(error).removeprefix(f'{name}: ')}"
        ) from error


def _no_broker(config: Config) -> SfPoliceError:
    return SfPoliceError(f"no broker at {config.kafka_bootstrap_servers}: try `make kafka-start`")


def _ensure_reachable(config: Config) -> None:
    # The client library would go on trying for its whole time-out where nobody listens.
    for server in config.kafka_bootstrap_servers.split(","):
        host, _, port = server.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=_BROKER_TIMEOUT_MS / 1000).close()
            return
        except OSError:
            continue
    raise _no_broker(config)


def client_options(config: Config) -> dict[str, Any]:
    """What every client of kafka-python gets."""
    path = config.kafka_client_properties
    return {
        "bootstrap_servers": config.kafka_bootstrap_servers.split(","),
        "client_id": "sf-police",
        "bootstrap_timeout_ms": _BROKER_TIMEOUT_MS,
        **(python_client_options(read_properties(path)) if path else {}),
    }


def unknown_topic(config: Config) -> SfPoliceError:
    """The error for a topic that the brokers do not have."""
    return SfPoliceError(f"no topic {config.kafka_topic} at {config.kafka_bootstrap_servers}: try `make topic-create`")


def create_topic(config: Config) -> bool:
    """Create the topic; False when it is there already, as wanted.

    Raises:
        SfPoliceError: it is there with another number of partitions, or cannot be created.
    """
    with admin_client(config) as admin:
        wanted = {config.kafka_topic: {"num_partitions": config.partitions, "configs": _TOPIC_CONFIGS}}
        try:
            admin.create_topics(wanted, wait_for_metadata=True)
            return True
        except TopicAlreadyExistsError:
            topic = _describe(admin, config)
    if len(topic.partitions) != config.partitions:
        raise SfPoliceError(
            f"topic {config.kafka_topic} exists with {len(topic.partitions)} partitions, not {config.partitions}: "
            f"set PARTITIONS={len(topic.partitions)}, or KAFKA_TOPIC to another name"
        )
    return False


def describe_topic(config: Config) -> Topic:
    """The topic as it is now. Raises SfPoliceError when there is no broker, or no such topic."""
    with admin_client(config) as admin:
        return _describe(admin, config)


def _describe(admin: KafkaAdminClient, config: Config) -> Topic:
    described = next((topic for topic in admin.describe_topics([config.kafka_topic])), None)
    if described is None or described["error_code"]:
        raise unknown_topic(config)
    partitions = sorted(described["partitions"], key=lambda partition: partition["partition_index"])
    numbers = [TopicPartition(config.kafka_topic, partition["partition_index"]) for partition in partitions]
    first = admin.list_partition_offsets(dict.fromkeys(numbers, OffsetSpec.EARLIEST))
    following = admin.list_partition_offsets(dict.fromkeys(numbers, OffsetSpec.LATEST))
    return Topic(
        name=config.kafka_topic,
        topic_id=str(uuid.UUID(str(described["topic_id"]))),
        cluster_id=str(admin.describe_cluster()["cluster_id"]),
        partitions=tuple(
            Partition(
                number=partition["partition_index"],
                leader=partition["leader_id"] if partition["leader_id"] >= 0 else None,
                replicas=len(partition["replica_nodes"]),
                first_offset=first[number].offset,
                next_offset=following[number].offset,
            )
            for partition, number in zip(partitions, numbers, strict=True)
        ),
        max_message_bytes=_max_message_bytes(admin, config.kafka_topic),
    )


def _max_message_bytes(admin: KafkaAdminClient, topic: str) -> int:
    name = "max.message.bytes"
    try:
        described = admin.describe_configs([ConfigResource("TOPIC", topic, {name: None})], config_filter="all")
        return int(described["topic"][topic][name]["value"])
    except (AuthorizationError, KeyError):
        return _MAX_MESSAGE_BYTES


def read_records(config: Config, wanted: dict[int, int]) -> dict[int, Any]:
    """One record of each partition (kafka-python's ConsumerRecord), at the offset given for it, or the next after it.

    Raises:
        SfPoliceError: a record did not come within the time a broker may take.
    """
    records: dict[int, Any] = {}
    with broker_errors(config):
        consumer = KafkaConsumer(
            **client_options(config), enable_auto_commit=False, consumer_timeout_ms=_BROKER_TIMEOUT_MS
        )
        try:
            for number, offset in wanted.items():
                partition = TopicPartition(config.kafka_topic, number)
                consumer.assign([partition])
                consumer.seek(partition, offset)
                record = next(iter(consumer), None)
                if record is None:
                    raise SfPoliceError(f"partition {number} of {config.kafka_topic} gave no record at offset {offset}")
                records[number] = record
        finally:
            consumer.close()
    return records


def follow_records(config: Config, topic: Topic, *, is_stopped: Callable[[], bool]) -> Iterator[Any]:
    """Records (kafka-python's ConsumerRecord) that come after what `topic` holds, as they come, until stopped."""
    with broker_errors(config):
        consumer = KafkaConsumer(**client_options(config), enable_auto_commit=False)
        try:
            consumer.assign([TopicPartition(topic.name, partition.number) for partition in topic.partitions])
            for partition in topic.partitions:
                consumer.seek(TopicPartition(topic.name, partition.number), partition.next_offset)
            while not is_stopped():
                for records in consumer.poll(timeout_ms=200).values():
                    yield from records
        finally:
            consumer.close()
