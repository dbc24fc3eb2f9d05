"""Why a broker does not let a client in, in words: without a broker."""

from __future__ import annotations

import errno
import socket
import ssl

import pytest

from sf_police.topic.refusals import NotStartedError, tls_failure, unreachable

REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
UNKNOWN = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
CHECK = "check KAFKA_BOOTSTRAP_SERVERS, and that this machine may connect to them"


@pytest.mark.parametrize(
    ("servers", "errors", "message"),
    [
        ("localhost:9092", [REFUSED], "no broker at localhost:9092: run `make kafka-start`"),
        ("[::1]:9092,x:1", [REFUSED, REFUSED], "no broker at [::1]:9092,x:1: run `make kafka-start`"),
        ("b.example:9092", [REFUSED], f"no broker at b.example:9092 (Connection refused): {CHECK}"),
        ("b.example:9092", [TimeoutError("timed out")], f"no broker at b.example:9092 (no answer in time): {CHECK}"),
        (
            "b.exmaple:9092",
            [UNKNOWN],
            "the name b.exmaple does not resolve (brokers: b.exmaple:9092): "
            "correct KAFKA_BOOTSTRAP_SERVERS, or make the name known to this machine",
        ),
        (
            "b.exmaple:1,b.example:1",
            [UNKNOWN, REFUSED],
            f"no broker at b.exmaple:1,b.example:1 (Connection refused; b.exmaple does not resolve): {CHECK}",
        ),
    ],
)
def test_brokers_that_cannot_be_reached_are_told_apart(servers: str, errors: list[OSError], message: str) -> None:
    said = unreachable(servers, errors)

    assert str(said) == message
    assert isinstance(said, NotStartedError) == ("kafka-start" in message)


def test_the_local_broker_has_neither_tls_nor_a_login() -> None:
    said = unreachable("localhost:9092", [REFUSED], "SASL_SSL")

    assert str(said) == f"no broker at localhost:9092 (Connection refused): {CHECK}"
    assert not isinstance(said, NotStartedError)


@pytest.mark.parametrize("error", [ssl.SSLEOFError(8, "EOF"), ConnectionResetError("reset")])
def test_a_broker_that_hangs_up_on_tls_does_not_use_it(error: OSError) -> None:
    assert "does not use TLS at that port" in str(tls_failure("one:1", error, has_certificate=False))
