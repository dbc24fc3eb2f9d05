"""What all Kafka clients share: options, a reachability check, and one-line errors. The clients are made elsewhere."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from kafka.errors import KafkaError, UnknownTopicOrPartitionError

from sf_police.config import Config
from sf_police.errors import SfPoliceError
from sf_police.topic.client_properties import python_client_options, read_properties

READ_COMMITTED: Final = "read_committed"
# How long a running broker may take to answer. Where none is running, the connection is refused at once.
BROKER_TIMEOUT_MS: Final = 10_000


@dataclass(frozen=True)
class KafkaAccess:
    """How to reach the brokers: comma-separated `host:port`, and the contents of the client.properties file."""

    servers: str
    properties: Mapping[str, str] = field(repr=False)  # may hold a password


def kafka_access(config: Config) -> KafkaAccess:
    """Return how to reach the brokers, according to the settings.

    Raises:
        UsageError: the client.properties file cannot be read.
    """
    path = config.kafka_client_properties
    return KafkaAccess(config.kafka_bootstrap_servers, read_properties(path) if path else {})


def isolation_level(access: KafkaAccess) -> str:
    """Return whether records of aborted and open transactions are read: not, unless the file of properties says so."""
    return access.properties.get("isolation.level", READ_COMMITTED)


def client_options(access: KafkaAccess) -> dict[str, Any]:
    """Return the options of every kafka-python client. Raises UsageError for an unsupported property."""
    return {
        "bootstrap_servers": access.servers.split(","),
        "client_id": "sf-police",
        "bootstrap_timeout_ms": BROKER_TIMEOUT_MS,
        **python_client_options(access.properties),
    }


@contextmanager
def broker_errors(access: KafkaAccess, topic: str | None = None) -> Iterator[None]:
    """Turn the client library's errors into a one-line SfPoliceError.

    Args:
        access: the brokers, which the line names.
        topic: the topic that the brokers are asked about, if any.
    """
    try:
        yield
    except KafkaError as error:
        if topic is not None and isinstance(error, UnknownTopicOrPartitionError):
            raise unknown_topic(access, topic) from error
        if "bootstrap" in str(error).lower():
            raise _no_broker(access) from error
        name = type(error).__name__
        raise SfPoliceError(
            f"the broker at {access.servers}: {name}: {str(error).removeprefix(f'{name}: ')}"
        ) from error


def unknown_topic(access: KafkaAccess, topic: str) -> SfPoliceError:
    """Return the error for a topic that the brokers do not have."""
    return SfPoliceError(f"no topic {topic} at {access.servers}", remedy="run `make topic-create`")


def ensure_reachable(access: KafkaAccess) -> None:
    """Raise SfPoliceError unless one of the brokers accepts a connection."""
    # Where nothing listens, the client library would keep trying for its whole timeout.
    for server in access.servers.split(","):
        host, _, port = server.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=BROKER_TIMEOUT_MS / 1000).close()
            return
        except OSError:
            continue
    raise _no_broker(access)


def _no_broker(access: KafkaAccess) -> SfPoliceError:
    return SfPoliceError(f"no broker at {access.servers}", remedy="run `make kafka-start`")
