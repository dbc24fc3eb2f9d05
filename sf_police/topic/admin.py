"""Administration: creates, describes and deletes topics, and counts brokers. Records are read in `reading.py`."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from kafka import TopicPartition
from kafka.admin import ConfigResource, KafkaAdminClient, OffsetSpec
from kafka.errors import (
    AuthorizationError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    UnknownTopicIdError,
    UnknownTopicOrPartitionError,
)

from sf_police.errors import SfPoliceError
from sf_police.topic.clients import (
    KafkaAccess,
    broker_errors,
    client_options,
    ensure_reachable,
    unknown_topic,
)
from sf_police.topic.rights import CREATE, DELETE, DESCRIBE, NOT_ALLOWED, ensure_allowed, not_allowed

# Kafka's default for max.message.bytes, used when the brokers do not reveal the topic's own.
_MAX_MESSAGE_BYTES: Final = 1_048_588

_NO_TOPIC: Final = 3

_UNCOMMITTED: Final = "read_uncommitted"

# Event times are from 2018. If they were the records' timestamps, or if retention applied, the broker would delete the
# topic's records within a week; and the future-time check needs the broker's own clock.
_TOPIC_CONFIGS: Final = {"retention.ms": "-1", "message.timestamp.type": "LogAppendTime"}


@dataclass(frozen=True)
class Partition:
    """A partition: the id of its leader (None: leaderless), and the offsets of its first and its next record."""

    number: int
    leader: int | None
    replicas: int
    first_offset: int
    next_offset: int

    @property
    def records(self) -> int:
        """Number of offsets in the log: that of records, unless transactions or compaction left gaps."""
        return self.next_offset - self.first_offset


@dataclass(frozen=True)
class Topic:
    """A topic and its cluster. Deleting a topic and re-creating it changes its id."""

    name: str
    topic_id: str
    cluster_id: str
    partitions: tuple[Partition, ...]
    max_message_bytes: int = _MAX_MESSAGE_BYTES
    hidden: int = 0  # offsets behind open transactions

    @property
    def records(self) -> int:
        """Number of records in all partitions."""
        return sum(partition.records for partition in self.partitions)


def create_topic(access: KafkaAccess, topic: str, *, partitions: int) -> bool:
    """Create the topic; return False if it already exists with this number of partitions.

    Raises:
        SfPoliceError: it exists with another number of partitions, or cannot be created.
    """
    with _admin_client(access, topic) as admin:
        # Asked first: where the topic is there, nobody needs the right to create it.
        if _metadata(admin, access, topic) is None and _is_created(admin, access, topic, partitions):
            return True
        count = len(_describe(admin, access, topic).partitions)
    if count != partitions:
        raise SfPoliceError(
            f"topic {topic} already exists with {count} partitions, not {partitions}",
            remedy=f"set PARTITIONS={count}, or set KAFKA_TOPIC to another name",
        )
    return False


def _is_created(admin: KafkaAdminClient, access: KafkaAccess, topic: str, partitions: int) -> bool:
    try:
        admin.create_topics({topic: {"num_partitions": partitions, "configs": _TOPIC_CONFIGS}})
    except TopicAlreadyExistsError:
        return False
    except TopicAuthorizationFailedError as error:
        raise not_allowed(access.user, CREATE, topic) from error
    admin.wait_for_topics([topic])
    return True


def describe_topic(access: KafkaAccess, topic: str, *, needs: Sequence[str] = ()) -> Topic:
    """Describe the topic as it is now.

    Args:
        access: the brokers.
        topic: its name.
        needs: operations that the caller is going to ask for, as `Read`.

    Raises:
        SfPoliceError: no broker answers, there is no such topic, or the brokers do not allow one of the operations.
    """
    with _admin_client(access, topic) as admin:
        return _describe(admin, access, topic, needs=needs)


def delete_topic(access: KafkaAccess, topic: Topic) -> None:
    """Delete this very topic, by its id: another one of the same name stays. One that is gone already is no error.

    Raises:
        SfPoliceError: no broker answers, or the brokers do not allow it.
    """
    with _admin_client(access, topic.name) as admin:
        try:
            admin.delete_topics([uuid.UUID(topic.topic_id)])
        except (UnknownTopicIdError, UnknownTopicOrPartitionError):
            return
        except TopicAuthorizationFailedError as error:
            raise not_allowed(access.user, DELETE, topic.name) from error


def has_topic(access: KafkaAccess, topic: str) -> bool:
    """Return whether there is such a topic. Raises SfPoliceError if no broker answers, or none may tell."""
    with _admin_client(access) as admin:
        return _metadata(admin, access, topic) is not None


def count_brokers(access: KafkaAccess) -> int:
    """Count the brokers of the cluster. Raises SfPoliceError if none answers."""
    with _admin_client(access) as admin:
        return len(admin.describe_cluster()["brokers"])


@contextmanager
def _admin_client(access: KafkaAccess, topic: str | None = None) -> Iterator[KafkaAdminClient]:
    ensure_reachable(access)
    with broker_errors(access, topic):
        admin = KafkaAdminClient(**client_options(access))
        try:
            yield admin
        finally:
            admin.close()


def _metadata(
    admin: KafkaAdminClient, access: KafkaAccess, topic: str, *, needs: Sequence[str] = ()
) -> dict[str, Any] | None:
    described: dict[str, Any] | None = next(iter(admin.describe_topics([topic])), None)
    if described and described["error_code"] == NOT_ALLOWED:
        # The other operations include this one, so whoever grants the first of them need not grant this.
        raise not_allowed(access.user, next(iter(needs), DESCRIBE), topic)
    return None if described is None or described["error_code"] == _NO_TOPIC else described


def _describe(admin: KafkaAdminClient, access: KafkaAccess, topic: str, *, needs: Sequence[str] = ()) -> Topic:
    described = _metadata(admin, access, topic, needs=needs)
    if described is None or described["error_code"]:
        raise unknown_topic(access, topic)
    ensure_allowed(access.user, topic, needs=needs, allowed=described["authorized_operations"])
    partitions = sorted(described["partitions"], key=lambda partition: partition["partition_index"])
    numbers = [TopicPartition(topic, partition["partition_index"]) for partition in partitions]
    first = admin.list_partition_offsets(dict.fromkeys(numbers, OffsetSpec.EARLIEST))
    # Asked first: what comes meanwhile is behind no transaction.
    ends = admin.list_partition_offsets(dict.fromkeys(numbers, OffsetSpec.LATEST), _UNCOMMITTED)
    # Behind an open transaction, the end of what is read is where that transaction began.
    following = admin.list_partition_offsets(dict.fromkeys(numbers, OffsetSpec.LATEST), access.isolation_level)
    return Topic(
        name=topic,
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
        max_message_bytes=_max_message_bytes(admin, topic),
        hidden=sum(max(0, ends[number].offset - following[number].offset) for number in numbers),
    )


def _max_message_bytes(admin: KafkaAdminClient, topic: str) -> int:
    name = "max.message.bytes"
    try:
        described = admin.describe_configs([ConfigResource("TOPIC", topic, {name: None})], config_filter="all")
        return int(described["topic"][topic][name]["value"])
    except (AuthorizationError, KeyError):
        return _MAX_MESSAGE_BYTES
