"""What a user is told of a broker's failure: in words, once, and with what to do."""

from __future__ import annotations

import errno
import socket
import ssl
import threading

import pytest
from kafka.errors import (
    ClusterAuthorizationFailedError,
    InvalidPartitionsError,
    InvalidTopicError,
    KafkaConfigurationError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    SaslAuthenticationFailedError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    UnsupportedCodecError,
)

from sf_police.topic.failures import failure, no_bootstrap, text_of, tls_failure, unreachable


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (KafkaTimeoutError("in 10 s"), "KafkaTimeoutError: in 10 s"),
        (KafkaTimeoutError("KafkaTimeoutError: in 10 s"), "KafkaTimeoutError: in 10 s"),
        (KafkaTimeoutError(), "KafkaTimeoutError"),
        (KafkaTimeoutError(KafkaTimeoutError("in 10 s")), "KafkaTimeoutError: in 10 s"),
        (MessageSizeTooLargeError("too large"), "MessageSizeTooLargeError: too large"),
        (MessageSizeTooLargeError(), "MessageSizeTooLargeError"),
        (ValueError("x"), "ValueError: x"),
    ],
)
def test_an_errors_name_is_there_once(error: Exception, text: str) -> None:
    assert text_of(error) == text


FILE = "in the file that KAFKA_CLIENT_PROPERTIES names"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (UnknownTopicOrPartitionError("calls"), "no topic calls at one:1: run `make topic-create`"),
        (KafkaTimeoutError("in 10 s"), "the broker at one:1: KafkaTimeoutError: in 10 s"),
        (
            SaslAuthenticationFailedError("SaslAuthenticationFailedError: Invalid username or password"),
            "the broker at one:1 refuses the login (Invalid username or password): "
            f"check sasl.mechanism and sasl.jaas.config {FILE}",
        ),
        (
            TopicAuthorizationFailedError("calls"),
            "the broker at one:1 does not allow topic calls (TopicAuthorizationFailedError: calls): "
            "ask for the rights (ACLs)",
        ),
        (
            ClusterAuthorizationFailedError(),
            "the broker at one:1 does not allow this (ClusterAuthorizationFailedError): ask for the rights (ACLs)",
        ),
        (
            UnsupportedCodecError("Libraries for snappy compression codec not found"),
            "the records of calls are compressed with snappy, which kafka-python cannot read as installed: "
            "install python-snappy (`python -m pip install python-snappy`)",
        ),
        (
            UnsupportedCodecError("Libraries for zstd compression codec not found"),
            "the records of calls are compressed with zstd, which kafka-python cannot read as installed: "
            "install zstandard (`python -m pip install zstandard`)",
        ),
        (
            UnsupportedCodecError("Unrecognized compression type: 7"),
            "the records of calls are compressed in a way that kafka-python does not know "
            "(UnsupportedCodecError: Unrecognized compression type: 7)",
        ),
        (
            KafkaConnectionError("DNS Resolution failure"),
            "the broker at one:1 names an address to its clients that does not resolve here: "
            "correct its advertised.listeners, or make the name known to this machine",
        ),
        (
            KafkaConnectionError("111 ECONNREFUSED"),
            "the broker at one:1 names an address to its clients that refuses connections: "
            "check its advertised.listeners, and that all brokers run",
        ),
        (
            KafkaConfigurationError("connections_max_idle_ms (1) must be larger"),
            "KAFKA_CLIENT_PROPERTIES: kafka-python refuses the settings "
            "(KafkaConfigurationError: connections_max_idle_ms (1) must be larger)",
        ),
    ],
)
def test_an_error_of_the_client_library_is_put_in_words(error: KafkaError, message: str) -> None:
    assert str(failure(error, "one:1", topic="calls", protocol="PLAINTEXT")) == message


def test_an_unknown_topic_is_not_named_where_none_was_asked_for() -> None:
    said = failure(UnknownTopicOrPartitionError("calls"), "one:1", topic=None, protocol="PLAINTEXT")

    assert str(said) == "the broker at one:1: UnknownTopicOrPartitionError: calls"


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
    assert str(unreachable(servers, errors)) == message


def untrusted() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


def test_a_certificate_that_is_not_trusted_is_said_so() -> None:
    assert str(tls_failure("one:1", untrusted())) == (
        "the certificate of the broker at one:1 is not trusted (self-signed certificate): "
        f"set ssl.truststore.location {FILE}"
    )


def test_a_broker_that_hangs_up_on_tls_does_not_use_it() -> None:
    for error in (ssl.SSLEOFError(8, "EOF"), ConnectionResetError("reset"), TimeoutError("timed out")):
        assert "does not use TLS at that port" in str(tls_failure("one:1", error))


def answering_once(by_tls: bool) -> tuple[socket.socket, threading.Thread]:
    """A server on loopback that answers one connection: by TLS, of which it has no certificate, or by hanging up."""
    server = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        connection, _ = server.accept()
        with connection:
            if by_tls:
                try:
                    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).wrap_socket(connection, server_side=True)
                except ssl.SSLError:
                    return

    thread = threading.Thread(target=answer)
    thread.start()
    return server, thread


@pytest.mark.parametrize(
    ("by_tls", "message"),
    [
        (
            True,
            "the broker at {} expects TLS, but security.protocol is PLAINTEXT: "
            f"set security.protocol to SSL or SASL_SSL {FILE}",
        ),
        (
            False,
            "what listens at {} does not answer as a Kafka broker with security.protocol=PLAINTEXT: "
            f"check the port, and security.protocol {FILE}",
        ),
    ],
)
def test_what_listens_but_does_not_answer_is_asked_whether_it_is_tls(by_tls: bool, message: str) -> None:
    server, thread = answering_once(by_tls)
    servers = f"127.0.0.1:{server.getsockname()[1]}"

    said = no_bootstrap(servers, "PLAINTEXT")

    thread.join()
    server.close()
    assert str(said) == message.format(servers)


def test_a_login_that_is_refused_is_not_taken_for_a_wrong_port_alone() -> None:
    said = no_bootstrap("127.0.0.1:1", "SASL_SSL")

    assert str(said) == (
        "the broker at 127.0.0.1:1 refuses the login, or does not use SASL_SSL at that port: "
        f"check sasl.jaas.config, sasl.mechanism and security.protocol {FILE}"
    )


def test_the_librarys_words_for_no_broker_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sf_police.topic.failures._greets_by_tls", lambda _: True)
    for error in (KafkaConnectionError("Unable to bootstrap from one:1"), KafkaTimeoutError("Bootstrap timed out")):
        assert "expects TLS" in str(failure(error, "one:1", topic="calls", protocol="PLAINTEXT"))


def test_topics_whose_names_collide_are_named() -> None:
    said = (
        "Request 'CreateTopicsRequest(version=7, topics=[CreatableTopic(name='r_1')])' failed with response "
        "'CreateTopicsResponse(topics=[CreatableTopicResult(name='r_1', error_code=17, error_message=\"Topic 'r_1' "
        "collides with existing topic: r.1\", configs=[])])'."
    )
    found = failure(InvalidTopicError(said), "here:9092", topic="r_1", protocol="PLAINTEXT")

    assert str(found) == (
        "the broker at here:9092 has a topic r.1, with whose name r_1 collides (to Kafka, . and _ are one in the names "
        "of metrics): set KAFKA_TOPIC to another name"
    )


def test_a_refused_request_is_told_by_the_brokers_reason_alone() -> None:
    said = (
        "Request 'CreateTopicsRequest(topics=[CreatableTopic(name='r')])' failed with response "
        "'CreateTopicsResponse(topics=[CreatableTopicResult(name='r', error_code=38, error_message=\"Number of "
        "partitions must be 'larger' than 0.\", configs=[])])'."
    )
    found = failure(InvalidPartitionsError(said), "here:9092", topic="r", protocol="PLAINTEXT")

    assert str(found) == (
        "the broker at here:9092: InvalidPartitionsError: Number of partitions must be 'larger' than 0."
    )
