"""One client.properties for both clients."""

from __future__ import annotations

from pathlib import Path

import pytest

from sf_police.errors import UsageError
from sf_police.topic.client_properties import python_client_options, read_properties, spark_options

SASL = """# comment
security.protocol=SASL_SSL
sasl.mechanism = SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\
    username="ann" password="a\\"b=c";
ssl.truststore.type=PEM
ssl.truststore.location=/etc/ca.pem
ssl.endpoint.identification.algorithm=
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "client.properties"
    path.write_text(SASL)
    return path


def test_kafka_python_gets_its_own_names(path: Path) -> None:
    assert python_client_options(read_properties(path)) == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "ann",
        "sasl_plain_password": 'a"b=c',
        "ssl_cafile": "/etc/ca.pem",
        "ssl_check_hostname": False,
    }


def test_spark_gets_every_property_for_the_java_client(path: Path) -> None:
    options = spark_options(read_properties(path))

    assert options["kafka.security.protocol"] == "SASL_SSL"
    assert options["kafka.ssl.endpoint.identification.algorithm"] == ""
    assert len(options) == 6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("batch.size=1", "kafka-python does not support batch.size as set in the file"),
        (
            "ssl.truststore.location=/a.jks",
            "reads only PEM files as ssl.truststore: convert .* and set ssl.truststore.type=PEM",
        ),
        ("ssl.truststore.type=JKS", "kafka-python does not support ssl.truststore.type as set in the file"),
        ("sasl.jaas.config=x required;", "must contain username"),
        ("just words", "line 1 is not key=value"),
    ],
)
def test_what_cannot_be_done_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "client.properties"
    path.write_text(text)

    with pytest.raises(UsageError, match=message):
        python_client_options(read_properties(path))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.properties: cannot be read \(No such file"):
        read_properties(tmp_path / "none.properties")
