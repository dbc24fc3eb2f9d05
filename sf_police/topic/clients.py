"""What all Kafka clients share: options, a reachability check, and one-line errors. The clients are made elsewhere."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from kafka.errors import KafkaError

from sf_police import checks
from sf_police.config import Config
from sf_police.errors import SfPoliceError, UnknownTopicError, UsageError
from sf_police.topic import failures, handshake, refusals
from sf_police.topic.client_properties import (
    SERVERS,
    isolation_level,
    python_client_options,
    read_properties,
    user_name,
)
from sf_police.topic.key_stores import OWN_KEYS

# How long a running broker may take to answer. Where none is running, the connection is refused at once.
BROKER_TIMEOUT_MS: Final = 10_000
# For the connections alone, which take a round trip each: where packets vanish, no answer ever comes.
_CONNECT_S: Final = 1.8


@dataclass(frozen=True)
class KafkaAccess:
    """How to reach the brokers: comma-separated `host:port`, and the contents of the client.properties file."""

    servers: str
    properties: Mapping[str, str] = field(repr=False)  # may hold a password

    @property
    def protocol(self) -> str:
        """How the brokers are spoken to."""
        return self.properties.get("security.protocol", "PLAINTEXT").strip()

    @property
    def has_key(self) -> bool:
        """Whether the client has a certificate of its own to show."""
        return any(key in self.properties for key in OWN_KEYS)

    @property
    def user(self) -> str | None:
        """Who logs in; None if only the brokers know."""
        return user_name(self.properties, self.security)

    @cached_property
    def security(self) -> dict[str, Any]:
        """Options of every kafka-python client by the file: made once, as tokens and keys are for all of them."""
        return python_client_options(self.properties)

    @property
    def isolation_level(self) -> str:
        """Which records of transactions are read: only those of committed ones, unless the file says otherwise."""
        return isolation_level(self.properties)


def kafka_access(config: Config) -> KafkaAccess:
    """Return how to reach the brokers, according to the settings; without one, as the client.properties file says.

    Raises:
        UsageError: the client.properties file cannot be read, or has an invalid key or server.
    """
    path = config.kafka_client_properties
    properties = read_properties(path) if path else {}
    servers = config.kafka_bootstrap_servers
    if not servers:
        try:
            # Java's clients ignore a protocol before the host.
            named = [each.rpartition("://")[2] for each in properties.get(SERVERS, "").split(",") if each.strip()]
            servers = checks.servers(",".join(named)) if named else f"localhost:{config.kafka_port}"
        except ValueError as error:
            raise UsageError(f"KAFKA_CLIENT_PROPERTIES={path}: {SERVERS}: expected {error}") from None
    return KafkaAccess(servers, properties)


def client_options(access: KafkaAccess) -> dict[str, Any]:
    """Return the options of every kafka-python client. Raises UsageError for an unsupported property."""
    return {
        "bootstrap_servers": access.servers.split(","),
        "client_id": "sf-police",
        "bootstrap_timeout_ms": BROKER_TIMEOUT_MS,
        **access.security,
    }


def consumer_options(access: KafkaAccess) -> dict[str, Any]:
    """Return the options of every consumer: no group, and the records of committed transactions only."""
    return {
        **client_options(access),
        "enable_auto_commit": False,
        "isolation_level": access.isolation_level,
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
        if failures.is_of_connection(error):
            ensure_reachable(access)  # says why, if it is for good
        raise failures.failure(error, access.servers, topic=topic) from error


def unknown_topic(access: KafkaAccess, topic: str) -> UnknownTopicError:
    """Return the error for a topic that the brokers do not have."""
    return failures.unknown_topic(access.servers, topic)


def ensure_reachable(access: KafkaAccess) -> None:
    """Raise SfPoliceError unless one of the brokers lets this client in: a connection, TLS, login, a first answer.

    The client library would keep trying for its whole timeout, whatever is wrong.
    """
    servers, options, who = refusals.split_servers(access.servers), access.security, access.user
    errors: list[OSError] = []
    refused: SfPoliceError | None = None
    until = time.monotonic() + _CONNECT_S
    for number, server in enumerate(servers):
        share_s = max(0.1, until - time.monotonic()) / (len(servers) - number)
        try:
            connection = socket.create_connection(server, timeout=share_s)
        except OSError as error:
            errors.append(error)
            continue
        connection.settimeout(BROKER_TIMEOUT_MS / 1000)
        try:
            handshake.enter(server, connection, options, who=who, has_certificate=access.has_key)
            return
        except refusals.LoginRefusedError:
            raise  # so do the others, and some lock out who tries too often
        except SfPoliceError as error:
            refused = refused or error
    raise refused or refusals.unreachable(access.servers, errors, access.protocol)
