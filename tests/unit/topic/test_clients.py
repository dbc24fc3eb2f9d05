"""How to reach the brokers, and what a user is told when they refuse: without a broker."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka.errors import KafkaTimeoutError

from sf_police.errors import SfPoliceError, UsageError
from sf_police.topic.clients import (
    KafkaAccess,
    broker_errors,
    client_options,
    consumer_options,
    ensure_reachable,
    kafka_access,
)
from tests.support.question import resolve

ACCESS = KafkaAccess("one:9092,two:9092", {})


def test_an_error_of_the_client_library_is_one_line() -> None:
    error = KafkaTimeoutError("nothing in 10 s")
    with pytest.raises(SfPoliceError) as raised, broker_errors(ACCESS, "calls"):
        raise error

    assert str(raised.value) == "the broker at one:9092,two:9092: KafkaTimeoutError: nothing in 10 s"
    assert raised.value.__cause__ is error
    assert raised.value.exit_code == 1


@pytest.mark.parametrize("error", [SfPoliceError("ours"), ValueError("a bug"), KeyboardInterrupt()])
def test_any_other_error_passes_as_it_is(error: BaseException) -> None:
    with pytest.raises(type(error)) as raised, broker_errors(ACCESS, "calls"):
        raise error

    assert raised.value is error


def test_access_without_a_file_has_no_properties() -> None:
    access = kafka_access(resolve({"kafka_bootstrap_servers": "one:9092, two:9092"}))

    assert access == KafkaAccess("one:9092,two:9092", {})
    options = {
        "bootstrap_servers": ["one:9092", "two:9092"],
        "client_id": "sf-police",
        "bootstrap_timeout_ms": 10_000,
    }
    assert client_options(access) == options
    assert consumer_options(access) == {**options, "enable_auto_commit": False, "isolation_level": "read_committed"}


def test_access_has_the_files_properties_and_never_shows_them(tmp_path: Path) -> None:
    path = tmp_path / "client.properties"
    path.write_text(
        "security.protocol=SSL\nssl.key.password=secret\nclient.id=theirs\nisolation.level=read_uncommitted"
    )

    access = kafka_access(resolve({"kafka_client_properties": str(path)}))

    assert access.properties["ssl.key.password"] == "secret"
    assert "secret" not in repr(access)
    options = consumer_options(access)
    names = ("security_protocol", "client_id", "isolation_level")
    assert [options[name] for name in names] == ["SSL", "theirs", "read_uncommitted"]


def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        kafka_access(resolve({"kafka_client_properties": str(tmp_path / "none")}))


@pytest.mark.parametrize(
    ("settings", "servers"),
    [
        ({}, "cloud:9092,other:9093"),
        ({"kafka_bootstrap_servers": "one:9092"}, "one:9092"),
        ({"kafka_port": "9192"}, "cloud:9092,other:9093"),
    ],
    ids=["nothing else", "the setting", "a local broker's port"],
)
def test_the_file_names_the_brokers_unless_the_setting_does(
    tmp_path: Path, settings: dict[str, str], servers: str
) -> None:
    path = tmp_path / "client.properties"
    path.write_text("bootstrap.servers = SASL_SSL://cloud:9092, other:9093 \n")

    assert kafka_access(resolve({"kafka_client_properties": str(path), **settings})).servers == servers


def test_a_file_without_brokers_leaves_the_local_one(tmp_path: Path) -> None:
    path = tmp_path / "client.properties"
    path.write_text("acks=all\nbootstrap.servers=\n")

    assert kafka_access(resolve({"kafka_client_properties": str(path)})).servers == "localhost:9092"


def test_brokers_of_the_file_that_are_none_are_a_usage_error(tmp_path: Path) -> None:
    path = tmp_path / "client.properties"
    path.write_text("bootstrap.servers=broker\n")

    with pytest.raises(UsageError, match=r"bootstrap\.servers: expected host:port, or several separated by commas"):
        kafka_access(resolve({"kafka_client_properties": str(path)}))


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that is taken, so nobody else's, and where nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def test_brokers_of_which_none_accepts_are_named(silent: int) -> None:
    with pytest.raises(SfPoliceError, match=f"no broker at 127.0.0.1:{silent}: run `make kafka-start`"):
        ensure_reachable(KafkaAccess(f"127.0.0.1:{silent}", {}))


def test_a_name_that_does_not_resolve_is_named() -> None:
    with pytest.raises(
        SfPoliceError, match=r"^the name no-such-host\.invalid does not resolve \(brokers: no-such-host"
    ):
        ensure_reachable(KafkaAccess("no-such-host.invalid:9092", {}))
