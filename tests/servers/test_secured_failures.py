"""Every way not to be let in by a secured broker: each command says what is wrong, and fails, at once."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.job import Job
from tests.support.secured import USER, Right, SecuredBrokers, encrypted, secured_job

TOPIC: Final = "refused"
WORD: Final = "key-w0rd"
SCRAM: Final = "org.apache.kafka.common.security.scram.ScramLoginModule required"
COMMANDS: Final = ("create-topic", "produce", "stream", "inspect", "doctor")
# With a command's own start, of all at once. The client library alone would try for 10 s, and know no reason then.
_LIMIT_S: Final = 9


class Broker(SecuredBrokers):
    """One broker, with two more listeners: one whose certificate has expired, and one at an address not in its own."""

    def __init__(self, state: Path) -> None:
        super().__init__(state)
        first = int(self.env["KAFKA_PORT"])
        self.expired, self.elsewhere = f"localhost:{first + 10}", f"127.0.0.2:{first + 11}"
        every = f"PLAINTEXT://{self.servers},SASL_SSL://{self.sasl},SSL://{self.mtls}"
        every += f",EXPIRED://{self.expired},ELSEWHERE://{self.elsewhere}"
        # Kept, as a test makes another one in its place.
        self.ca = self.other_ca().rename(state / "own-ca.pem")
        self.ca.with_name("other-ca.key").rename(state / "own-ca.key")
        expired = self.certificate("localhost", days=-1, kind="broker", ca=self.ca)
        lines = {
            "listeners": f"{every},CONTROLLER://localhost:{first + 1}",
            "advertised.listeners": every,
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL,"
            "EXPIRED:SSL,ELSEWHERE:SSL",
            "listener.name.expired.ssl.keystore.location": str(expired),
        }
        (self.folder / "server.properties").write_text("".join(f"{key}={text}\n" for key, text in lines.items()))


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    broker = Broker(tmp_path_factory.mktemp("broker"))
    try:
        broker.start()
        with broker.admin() as admin:
            admin.create_topics({TOPIC: {"num_partitions": 1}})
        yield broker
    finally:
        broker.stop()


def with_truststore(broker: Broker, file: str | Path) -> Path:
    return broker.login("plain", ssl_truststore_location=str(file))


def with_key(broker: Broker, file: Path, **more: Any) -> Path:
    return broker.login("mtls", ssl_keystore_location=str(file), **more)


# What is wrong, and the start of what is said.
WAYS: Final[dict[str, tuple[Callable[[Broker], Path], str]]] = {
    "wrong password": (
        lambda broker: broker.login("scram-sha-512", sasl_jaas_config=f'{SCRAM} username="{USER}" password="wrong";'),
        f"the broker at {{sasl}} refuses the login of {USER} (Authentication failed",
    ),
    "unknown user": (
        lambda broker: broker.login("scram-sha-512", sasl_jaas_config=f'{SCRAM} username="eve" password="wrong";'),
        "the broker at {sasl} refuses the login of eve (Authentication failed",
    ),
    "unknown CA": (
        lambda broker: with_truststore(broker, broker.other_ca()),
        "the certificate of the broker at {sasl} is not trusted (unable to get local issuer certificate)",
    ),
    "expired certificate": (
        lambda broker: broker.login("mtls", bootstrap_servers=broker.expired, ssl_truststore_location=str(broker.ca)),
        "the certificate of the broker at {expired} has expired",
    ),
    "wrong host name": (
        lambda broker: broker.login("mtls", bootstrap_servers=broker.elsewhere),
        "the certificate of the broker at {elsewhere} is for another host name",
    ),
    "missing file": (
        lambda broker: with_truststore(broker, "/none/ca.pem"),
        "KAFKA_CLIENT_PROPERTIES: ssl.truststore.location=/none/ca.pem: cannot be read (No such file or directory)",
    ),
    "encrypted by AES": (
        lambda broker: with_key(
            broker, encrypted(broker.certificate(USER), WORD, "-v2", "aes-256-cbc"), ssl_key_password=WORD
        ),
        "KAFKA_CLIENT_PROPERTIES: ssl.keystore.location=",
    ),
    "no certificate of the client": (
        lambda broker: broker.login("mtls", ssl_keystore_location=None, ssl_keystore_type=None),
        "the broker at {mtls} expects a certificate of this client",
    ),
    "a client's certificate by another CA": (
        lambda broker: with_key(broker, broker.certificate(USER, ca=broker.other_ca())),
        "the broker at {mtls} refuses this client's certificate",
    ),
    "an expired certificate of the client": (
        lambda broker: with_key(broker, broker.certificate(USER, days=-1)),
        "the broker at {mtls} refuses this client's certificate",
    ),
    "no TLS": (
        lambda broker: broker.login("plain", security_protocol="SASL_PLAINTEXT"),
        "the broker at {sasl} expects TLS, but security.protocol is SASL_PLAINTEXT",
    ),
    "TLS": (
        lambda broker: broker.login("plain", bootstrap_servers=broker.servers),
        "the broker at {servers} does not use TLS at that port",
    ),
    "no login": (
        lambda broker: broker.login("plain", security_protocol="SSL"),
        "the broker at {sasl} expects a login, but security.protocol is SSL",
    ),
    "a login": (
        lambda broker: broker.login("plain", security_protocol="SASL_PLAINTEXT", bootstrap_servers=broker.servers),
        "the broker at {servers} takes no login at that port, but security.protocol is SASL_PLAINTEXT",
    ),
    "no broker": (
        lambda broker: broker.login("plain", bootstrap_servers="localhost:1"),
        "no broker at localhost:1 (Connection refused)",
    ),
    "no right": (lambda broker: broker.login("plain"), f"{USER} may not "),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_command_says_at_once_what_is_wrong(broker: Broker, tmp_path: Path, way: str) -> None:
    login, said = WAYS[way]
    broker.set_rights([])
    job = secured_job(broker, login(broker), TOPIC, tmp_path)
    wanted = said.format(**vars(broker))

    began_s = time.monotonic()
    running = {name: start(job, name) for name in COMMANDS}
    lines = {name: "".join(process.communicate(timeout=60)) for name, process in running.items()}
    took_s = time.monotonic() - began_s

    assert {name: lines[name] for name in COMMANDS if wanted not in lines[name]} == {}
    assert {name: process.returncode for name, process in running.items() if process.returncode not in (1, 2)} == {}
    assert not any("Traceback" in text for text in lines.values())
    assert took_s < _LIMIT_S, f"{way}: {took_s:.1f} s"


def start(job: Job, command: str) -> Any:
    job.state.joinpath("calls.json").write_text("[]")
    more = {"produce": [str(job.state / "calls.json")], "stream": ["--until-end"]}
    return job.start(command, *more.get(command, []))


@pytest.mark.parametrize(
    ("command", "rights", "missing"),
    [
        ("create-topic", [], "Describe"),
        ("inspect", [], "Read"),
        ("inspect", ["DESCRIBE"], "Read"),
        ("stream", ["DESCRIBE"], "Read"),
        ("doctor", ["DESCRIBE"], "Read"),
        ("produce", [], "Write"),
        ("produce", ["READ"], "Write"),
        ("produce", ["WRITE"], "Read"),
    ],
)
def test_the_missing_right_is_named(
    broker: Broker, tmp_path: Path, command: str, rights: list[str], missing: str
) -> None:
    broker.set_rights(Right(operation, "TOPIC", TOPIC) for operation in rights)
    job = secured_job(broker, broker.login("scram-sha-256"), TOPIC, tmp_path)

    process = start(job, command)
    said = "".join(process.communicate(timeout=60))

    assert process.returncode == 1
    wanted = f"--add --allow-principal User:{USER} --operation {missing} --topic {TOPIC}"
    grant = f"`kafka-acls.sh --bootstrap-server … {wanted}`"
    assert re.search(rf"{USER} may not {missing} topic {TOPIC}(:| ->) grant it by {re.escape(grant)}", said)


def test_a_topic_that_is_there_needs_no_right_to_be_created(broker: Broker, tmp_path: Path) -> None:
    broker.set_rights([Right("DESCRIBE", "TOPIC", TOPIC), Right("DESCRIBE", "TOPIC", "new")])

    there = secured_job(broker, broker.login("mtls"), TOPIC, tmp_path).run("create-topic", PARTITIONS="1")
    new = secured_job(broker, broker.login("oauthbearer"), "new", tmp_path).run("create-topic", check=False)

    assert "already exists" in there.stderr + there.stdout
    assert (new.returncode, f"{USER} may not Create topic new" in new.stderr) == (1, True)
