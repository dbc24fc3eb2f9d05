"""One client.properties for both clients."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path
from typing import Any

import pytest

from sf_police.errors import UsageError
from sf_police.topic.client_properties import (
    isolation_level,
    python_client_options,
    read_properties,
    spark_options,
    user_name,
)

SASL = """# comment
security.protocol=SASL_SSL
sasl.mechanism = SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\
    username="ann" password="a\\\\"b=c";
ssl.endpoint.identification.algorithm=
"""
# As a cloud provider hands it out.
CLOUD = """bootstrap.servers=broker.example:9092
security.protocol=SASL_SSL
sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username='KEY' password='SECRET';
sasl.mechanism=PLAIN
client.dns.lookup=use_all_dns_ips
session.timeout.ms=45000
acks=all
compression.type=zstd
client.id=ours
schema.registry.url=https://registry.example
basic.auth.user.info=KEY:SECRET
"""


def read(folder: Path, text: str) -> dict[str, str]:
    path = folder / "client.properties"
    path.write_text(text)
    return read_properties(path)


def without_context(options: dict[str, Any]) -> dict[str, Any]:
    assert isinstance(options["ssl_context"], ssl.SSLContext)
    return {name: value for name, value in options.items() if name != "ssl_context"}


def test_kafka_python_gets_its_own_names(tmp_path: Path) -> None:
    options = python_client_options(read(tmp_path, SASL))

    assert without_context(options) == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "ann",
        "sasl_plain_password": 'a"b=c',
    }
    assert options["ssl_context"].check_hostname is False


def test_a_name_with_the_marks_of_scram_is_escaped_for_kafka_python(tmp_path: Path) -> None:
    properties = read(tmp_path, SASL.replace('username="ann"', 'username="a=b,c"'))
    options = python_client_options(properties)

    assert options["sasl_plain_username"] == "a=3Db=2Cc"
    assert user_name(properties, options) == "a=b,c"


def test_a_cloud_providers_file_is_taken_as_it_is(tmp_path: Path) -> None:
    properties = read(tmp_path, CLOUD)

    assert without_context(python_client_options(properties)) == {
        "client_id": "ours",
        "client_dns_lookup": "use_all_dns_ips",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "KEY",
        "sasl_plain_password": "SECRET",
    }
    assert spark_options(properties) == {
        "kafka.security.protocol": "SASL_SSL",
        "kafka.sasl.jaas.config": properties["sasl.jaas.config"],
        "kafka.sasl.mechanism": "PLAIN",
        "kafka.client.dns.lookup": "use_all_dns_ips",
        "kafka.session.timeout.ms": "45000",
        "kafka.client.id": "ours",
    }


def test_what_a_client_cannot_use_is_said_in_the_log_without_its_value(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    properties = read(tmp_path, CLOUD)
    with caplog.at_level(logging.INFO, "sf_police"):
        python_client_options(properties)
        spark_options(properties)

    others = "acks, basic.auth.user.info, compression.type, schema.registry.url"
    assert caplog.messages == [
        "KAFKA_CLIENT_PROPERTIES: kafka-python has no use for "
        "acks, basic.auth.user.info, compression.type, schema.registry.url, session.timeout.ms",
        f"KAFKA_CLIENT_PROPERTIES: Spark has no use for {others}",
    ]
    assert "SECRET" not in caplog.text


@pytest.mark.parametrize(
    ("key", "value", "option"),
    [
        ("request.timeout.ms", "20000 ", ("request_timeout_ms", 20_000)),
        ("retry.backoff.ms", "100", ("retry_backoff_ms", 100)),
        ("connections.max.idle.ms", "180000", ("connections_max_idle_ms", 180_000)),
        ("security.protocol", "PLAINTEXT", ("security_protocol", "PLAINTEXT")),
    ],
)
def test_common_keys_reach_both_clients(tmp_path: Path, key: str, value: str, option: tuple[str, Any]) -> None:
    properties = read(tmp_path, f"{key}: {value}\n")

    assert python_client_options(properties) == dict([option])
    assert spark_options(properties) == {f"kafka.{key}": value}


@pytest.mark.parametrize("key", ["auto.offset.reset", "key.deserializer", "enable.auto.commit", "interceptor.classes"])
def test_what_spark_refuses_is_not_passed_on(tmp_path: Path, key: str) -> None:
    assert spark_options(read(tmp_path, f"{key}=x")) == {}


@pytest.mark.parametrize(
    ("text", "level"),
    [("", "read_committed"), ("isolation.level=read_committed", "read_committed"),
     ("isolation.level: read_uncommitted ", "read_uncommitted")],
)  # fmt: skip
def test_the_isolation_level_is_committed_unless_the_file_says_otherwise(tmp_path: Path, text: str, level: str) -> None:
    properties = read(tmp_path, text)

    assert isolation_level(properties) == level
    assert python_client_options(properties) == {}  # only a consumer has it
    assert [value.strip() for value in spark_options(properties).values()] == ([level] if text else [])


JAAS = "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.jaas.config="


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ssl.cipher.suites=x", r"kafka-python does not support ssl\.cipher\.suites: of security settings, use only "),
        ("sasl.login.class=x", r"kafka-python does not support sasl\.login\.class"),
        ("security.providers=x", r"kafka-python does not support security\.providers"),
        ("config.providers=file", r"kafka-python does not support config\.providers"),
        ("boostrap.servers=x:1", r"boostrap\.servers is no setting of a Kafka client: use bootstrap\.servers"),
        ("request.timeout=1", r"request\.timeout is no setting of a Kafka client: use request\.timeout\.ms"),
        ("just words", r"just is no setting of a Kafka client$"),
        ("=x", r"a line without a key is no setting of a Kafka client$"),
        ("acks=\\u12", r"client\.properties: line 1 has a \\u without four hexadecimal digits"),
        ("isolation.level=committed", r"isolation\.level: expected read_committed or read_uncommitted"),
        ("request.timeout.ms=soon", r"request\.timeout\.ms: expected a whole number of milliseconds"),
        ("security.protocol=TLS", r"security\.protocol: expected PLAINTEXT or SSL or SASL_PLAINTEXT or SASL_SSL"),
        ("security.protocol=SASL_SSL\nsasl.mechanism=AWS_MSK_IAM", r"sasl\.mechanism: expected PLAIN or SCRAM-SHA-256"),
        ("security.protocol=SASL_PLAINTEXT", r"sasl\.mechanism is GSSAPI \(Kerberos\), the default: install the Pyth"),
        (JAAS, r"security\.protocol needs a login, but sasl\.jaas\.config is missing"),
        (f"{JAAS}x required;", r"sasl\.jaas\.config: to sasl\.mechanism=PLAIN belongs PlainLoginModule"),
        (
            "security.protocol=SSL\nssl.truststore.location=/a.jks",
            r"ssl\.truststore\.location=/a\.jks: cannot be read \(No such file or directory\)",
        ),
        (
            "security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.location=/none/a.pem",
            r"ssl\.truststore\.location=/none/a\.pem: cannot be read \(No such file or directory\)",
        ),
        ("security.protocol=SSL\nssl.enabled.protocols=TLSv1.1", r"ssl\.enabled\.protocols: expected TLSv1\.2 or TLS"),
        (
            "security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.certificates=SECRET",
            r"ssl\.truststore\.certificates: it holds no certificate in PEM$",
        ),
    ],
)
def test_what_cannot_be_done_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=rf"^KAFKA_CLIENT_PROPERTIES: (/.*/)?{message}") as error:
        python_client_options(read(tmp_path, text))
    assert "SECRET" not in str(error.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.properties cannot be read \(No such file"):
        read_properties(tmp_path / "none.properties")


def test_the_versions_of_tls_are_those_of_the_file(tmp_path: Path) -> None:
    def versions(text: str) -> tuple[int, int]:
        context = python_client_options(read(tmp_path, f"security.protocol=SSL\n{text}"))["ssl_context"]
        return context.minimum_version, context.maximum_version

    two, three, highest = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.MAXIMUM_SUPPORTED
    assert versions("") == (two, highest)
    assert versions("ssl.protocol=TLS") == (two, highest)
    assert versions("ssl.protocol=TLSv1.2") == (two, two)
    assert versions("ssl.enabled.protocols=TLSv1.2,TLSv1.3") == (two, three)
    assert versions("ssl.enabled.protocols=TLSv1.3") == (three, three)
