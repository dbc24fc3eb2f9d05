"""What a user is told of a broker's failure: in words, once, and with what to do."""

from __future__ import annotations

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

from sf_police.topic.failures import failure, is_of_connection, text_of


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
            KafkaConnectionError(
                "Handshake failed: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: IP address mismatch, "
                "certificate is not valid for '127.0.0.2'. (_ssl.c:1006)"
            ),
            "the broker at one:1 names an address to its clients whose certificate is not trusted "
            "(IP address mismatch, certificate is not valid for '127.0.0.2'): "
            "correct its advertised.listeners, or the certificate there",
        ),
        (
            KafkaConfigurationError("connections_max_idle_ms (1) must be larger"),
            "KAFKA_CLIENT_PROPERTIES: kafka-python refuses the settings "
            "(KafkaConfigurationError: connections_max_idle_ms (1) must be larger)",
        ),
    ],
)
def test_an_error_of_the_client_library_is_put_in_words(error: KafkaError, message: str) -> None:
    assert str(failure(error, "one:1", topic="calls")) == message


def test_an_unknown_topic_is_not_named_where_none_was_asked_for() -> None:
    said = failure(UnknownTopicOrPartitionError("calls"), "one:1", topic=None)

    assert str(said) == "the broker at one:1: UnknownTopicOrPartitionError: calls"


def test_the_librarys_words_for_no_connection_are_known() -> None:
    for error in (
        KafkaConnectionError("Unable to bootstrap from one:1"),
        KafkaTimeoutError("Bootstrap timed out"),
        KafkaConnectionError("Handshake failed: certificate verify failed"),
    ):
        assert is_of_connection(error)
    assert not is_of_connection(KafkaTimeoutError("in 10 s"))


def test_brokers_that_do_not_answer_although_they_let_in_are_said_so() -> None:
    said = failure(KafkaTimeoutError("Unable to bootstrap from one:1"), "one:1", topic="calls")

    assert str(said) == "the brokers at one:1 do not answer: check that they run, and try again"


def test_topics_whose_names_collide_are_named() -> None:
    said = (
        "Request 'CreateTopicsRequest(version=7, topics=[CreatableTopic(name='r_1')])' failed with response "
        "'CreateTopicsResponse(topics=[CreatableTopicResult(name='r_1', error_code=17, error_message=\"Topic 'r_1' "
        "collides with existing topic: r.1\", configs=[])])'."
    )
    found = failure(InvalidTopicError(said), "here:9092", topic="r_1")

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
    found = failure(InvalidPartitionsError(said), "here:9092", topic="r")

    assert str(found) == (
        "the broker at here:9092: InvalidPartitionsError: Number of partitions must be 'larger' than 0."
    )
