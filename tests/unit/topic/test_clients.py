"""How to reach the brokers, and what a user is told when they refuse: without a broker."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka.errors import (
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from sf_police.errors import SfPoliceError, UsageError
from sf_police.topic.clients import KafkaAccess, broker_errors, client_options, ensure_reachable, kafka_access
from tests.support.question import resolve

ACCESS = KafkaAccess("one:9092,two:9092", {})


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (UnknownTopicOrPartitionError("calls"), "no topic calls at one:9092,two:9092: run `make topic-create`"),
        (
            KafkaConnectionError("Unable to bootstrap from one:9092"),
            "no broker at one:9092,two:9092: run `make kafka-start`",
        ),
        (KafkaTimeoutError("Bootstrap timed out"), "no broker at one:9092,two:9092: run `make kafka-start`"),
        (
            KafkaTimeoutError("nothing in 10 s"),
            "the broker at one:9092,two:9092: KafkaTimeoutError: nothing in 10 s",
        ),
        (
            TopicAuthorizationFailedError("calls"),
            "the broker at one:9092,two:9092: TopicAuthorizationFailedError: "
            "[Error 29] TopicAuthorizationFailedError: calls",
        ),
    ],
)
def test_an_error_of_the_client_library_is_one_line(error: KafkaError, message: str) -> None:
    with pytest.raises(SfPoliceError) as raised, broker_errors(ACCESS, "calls"):
        raise error

    assert str(raised.value) == message
    assert raised.value.__cause__ is error
    assert raised.value.exit_code == 1


def test_an_unknown_topic_is_not_named_where_none_was_asked_for() -> None:
    with (
        pytest.raises(SfPoliceError, match="the broker at one:9092,two:9092: UnknownTopicOrPartitionError: "),
        broker_errors(ACCESS),
    ):
        raise UnknownTopicOrPartitionError("calls")


@pytest.mark.parametrize("error", [SfPoliceError("ours"), ValueError("a bug"), KeyboardInterrupt()])
def test_any_other_error_passes_as_it_is(error: BaseException) -> None:
    with pytest.raises(type(error)) as raised, broker_errors(ACCESS, "calls"):
        raise error

    assert raised.value is error


def test_access_without_a_file_has_no_properties() -> None:
    access = kafka_access(resolve({"kafka_bootstrap_servers": "one:9092, two:9092"}))

    assert access == KafkaAccess("one:9092,two:9092", {})
    assert client_options(access) == {
        "bootstrap_servers": ["one:9092", "two:9092"],
        "client_id": "sf-police",
        "bootstrap_timeout_ms": 10_000,
    }


def test_access_has_the_files_properties_and_never_shows_them(tmp_path: Path) -> None:
    path = tmp_path / "client.properties"
    path.write_text("security.protocol=SSL\nssl.key.password=secret\nclient.id=theirs\n")

    access = kafka_access(resolve({"kafka_client_properties": str(path)}))

    assert access.properties == {"security.protocol": "SSL", "ssl.key.password": "secret", "client.id": "theirs"}
    assert "secret" not in repr(access)
    options = client_options(access)
    assert (options["security_protocol"], options["ssl_password"], options["client_id"]) == ("SSL", "secret", "theirs")


def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        kafka_access(resolve({"kafka_client_properties": str(tmp_path / "none")}))


def test_a_property_that_the_client_does_not_support_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"kafka-python does not support batch\.size"):
        client_options(KafkaAccess("one:9092", {"batch.size": "1"}))


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that is taken, so nobody else's, and where nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def test_one_broker_that_accepts_is_enough(listening: int, silent: int) -> None:
    ensure_reachable(KafkaAccess(f"127.0.0.1:{silent},127.0.0.1:{listening}", {}))


def test_brokers_of_which_none_accepts_are_named(silent: int) -> None:
    with pytest.raises(SfPoliceError, match=f"no broker at 127.0.0.1:{silent}: run `make kafka-start`"):
        ensure_reachable(KafkaAccess(f"127.0.0.1:{silent}", {}))
