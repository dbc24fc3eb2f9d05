"""A client that is not let in learns why, at once: by servers of our own that speak TLS, or as a broker does."""

from __future__ import annotations

import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Final

import pytest

from sf_police.errors import SfPoliceError
from sf_police.topic import clients
from sf_police.topic.clients import KafkaAccess, ensure_reachable

FILE: Final = "in the file that KAFKA_CLIENT_PROPERTIES names"
_API_VERSIONS, _METADATA, _SASL_HANDSHAKE, _SASL_AUTHENTICATE = 18, 3, 17, 36
Answer = Callable[[socket.socket], None]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates by a CA: good.pem, expired.pem, other-host.pem; foreign.pem by another one."""
    folder = tmp_path_factory.mktemp("keys")
    for ca in ("ca", "foreign-ca"):
        openssl(folder, "req", "-x509", *new_key(ca, ca), "-out", f"{ca}.pem", "-days", "30")
    for name, host, days, ca in (
        ("good", "localhost", 30, "ca"), ("expired", "localhost", -1, "ca"), ("other-host", "other.example", 30, "ca"),
        ("foreign", "localhost", 30, "foreign-ca"),
    ):  # fmt: skip
        (folder / "ext").write_text(f"subjectAltName=DNS:{host}")
        openssl(folder, "req", *new_key(name, host), "-out", f"{name}.csr")
        by = ["-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial", "-extfile", "ext", "-days", str(days)]
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", *by, "-out", f"{name}.crt")
        (folder / f"{name}.pem").write_text((folder / f"{name}.key").read_text() + (folder / f"{name}.crt").read_text())
    return folder


def new_key(name: str, host: str) -> list[str]:
    return ["-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-subj", f"/CN={host}"]


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@contextmanager
def listening(answer: Answer) -> Iterator[str]:
    """What answers each connection in this way, at localhost."""

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            # The client is told what is wrong by other means than by this thread's end.
            with connection, suppress(OSError):
                answer(connection)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"localhost:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def by_tls(keys: Path, certificate: str, answer: Answer, *, wants_certificate: bool = False) -> Answer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keys / f"{certificate}.pem")
    if wants_certificate:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(keys / "ca.pem")

    def wrapped(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            answer(secured)

    return wrapped


def as_broker(*, handshake: bytes = b"", authenticate: bytes = b"", has_metadata: bool = True) -> Answer:
    """Answers as a broker does: to a request that has no answer here, by hanging up."""
    bodies = {
        _API_VERSIONS: struct.pack(">hi", 0, 0),
        _METADATA: struct.pack(">iii", 0, 1, 0) if has_metadata else b"",
        _SASL_HANDSHAKE: handshake,
        _SASL_AUTHENTICATE: authenticate,
    }

    def answer(connection: socket.socket) -> None:
        with connection.makefile("rb") as requests:
            while size := requests.read(4):
                request = requests.read(struct.unpack(">i", size)[0])
                api, _, number = struct.unpack(">hhi", request[:8])
                if not bodies[api]:
                    return
                body = struct.pack(">i", number) + bodies[api]
                connection.sendall(struct.pack(">i", len(body)) + body)

    return answer


def text(said: str) -> bytes:
    return struct.pack(">h", len(said)) + said.encode()


def refusal(servers: str, properties: dict[str, str]) -> str:
    began_s = time.monotonic()
    with pytest.raises(SfPoliceError) as refused:
        ensure_reachable(KafkaAccess(servers, properties))
    assert time.monotonic() - began_s < 2
    return str(refused.value)


def tls(keys: Path, ca: str = "ca", own: str = "") -> dict[str, str]:
    """Properties of a client that trusts this CA, with a certificate of its own if one is named."""
    properties = {"security.protocol": "SSL", "ssl.truststore.type": "PEM", "ssl.keystore.type": "PEM"}
    properties["ssl.truststore.location"] = str(keys / f"{ca}.pem")
    return properties | ({"ssl.keystore.location": str(keys / f"{own}.pem")} if own else {})


def login(protocol: str = "SASL_PLAINTEXT") -> dict[str, str]:
    jaas = "org.apache.kafka.common.security.plain.PlainLoginModule required username=ann password=secret;"
    return {"security.protocol": protocol, "sasl.mechanism": "PLAIN", "sasl.jaas.config": jaas}


NO_LOGIN: Final = struct.pack(">hi", 34, 0)
PLAIN: Final = struct.pack(">hi", 0, 1) + text("PLAIN")
OTHERS: Final = struct.pack(">hi", 33, 2) + text("SCRAM-SHA-512") + text("GSSAPI")


def test_a_client_that_does_everything_right_is_let_in(keys: Path) -> None:
    good = struct.pack(">hhi", 0, -1, 0)
    with listening(as_broker()) as servers:
        ensure_reachable(KafkaAccess(servers, {}))
    with listening(as_broker(handshake=PLAIN, authenticate=good)) as servers:
        ensure_reachable(KafkaAccess(servers, login()))
    with listening(by_tls(keys, "good", as_broker(), wants_certificate=True)) as servers:
        ensure_reachable(KafkaAccess(servers, tls(keys, own="good")))


def test_what_is_in_the_truststore_is_trusted_be_it_a_ca_or_not(keys: Path) -> None:
    with listening(by_tls(keys, "good", as_broker())) as servers:
        ensure_reachable(KafkaAccess(servers, tls(keys, ca="good")))


@pytest.mark.parametrize(
    ("certificate", "ca", "message"),
    [
        ("expired", "ca", "has expired: have it renewed, or check this machine's clock"),
        ("other-host", "ca", "is for another host name: name the broker as its certificate does, not by an alias"),
        (
            "good",
            "foreign-ca",
            "is not trusted (unable to get local issuer certificate): set ssl.truststore.location to the CA that "
            f"signed it {FILE}",
        ),
    ],
)
def test_what_is_wrong_with_a_brokers_certificate_is_said(keys: Path, certificate: str, ca: str, message: str) -> None:
    with listening(by_tls(keys, certificate, as_broker())) as servers:
        assert refusal(servers, tls(keys, ca)) == f"the certificate of the broker at {servers} {message}"


def test_a_certificate_of_the_client_that_is_missing_or_refused_is_said(keys: Path) -> None:
    with listening(by_tls(keys, "good", as_broker(), wants_certificate=True)) as servers:
        assert refusal(servers, tls(keys)) == (
            f"the broker at {servers} expects a certificate of this client: set ssl.keystore.location {FILE}"
        )
        assert refusal(servers, tls(keys, own="foreign")) == (
            f"the broker at {servers} refuses this client's certificate (unknown ca): "
            "check that it is still valid, and that the broker trusts the CA that signed it"
        )


def test_tls_and_no_tls_are_not_taken_for_each_other(keys: Path) -> None:
    with listening(by_tls(keys, "good", as_broker())) as servers:
        assert refusal(servers, {}) == (
            f"the broker at {servers} expects TLS, but security.protocol is PLAINTEXT: "
            f"set security.protocol to SSL or SASL_SSL {FILE}"
        )
    with listening(lambda connection: None) as servers:
        assert refusal(servers, tls(keys)) == (
            f"the broker at {servers} does not use TLS at that port: "
            "set security.protocol to PLAINTEXT or SASL_PLAINTEXT, or use the broker's TLS port"
        )


@pytest.mark.parametrize(
    ("answer", "properties", "message"),
    [
        (
            as_broker(has_metadata=False),
            {},
            "the broker at {} expects a login, but security.protocol is PLAINTEXT: "
            f"set security.protocol to SASL_PLAINTEXT or SASL_SSL, sasl.mechanism and sasl.jaas.config {FILE}",
        ),
        (
            as_broker(handshake=NO_LOGIN),
            login(),
            "the broker at {} takes no login at that port, but security.protocol is SASL_PLAINTEXT: "
            "set security.protocol to PLAINTEXT, or use another port",
        ),
        (
            as_broker(handshake=OTHERS),
            login(),
            "the broker at {} does not take sasl.mechanism=PLAIN: "
            f"set sasl.mechanism to GSSAPI or SCRAM-SHA-512 {FILE}",
        ),
        (
            as_broker(handshake=PLAIN, authenticate=struct.pack(">h", 58) + text("Invalid password") + bytes(4)),
            login(),
            "the broker at {} refuses the login of ann (Invalid password): "
            f"check sasl.jaas.config and sasl.mechanism {FILE}",
        ),
        (
            lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
            {},
            "what listens at {} does not answer as a Kafka broker with security.protocol=PLAINTEXT: "
            f"check the port, and security.protocol {FILE}",
        ),
    ],
    ids=["login expected", "none expected", "other mechanisms", "wrong password", "no broker"],
)
def test_what_a_broker_expects_is_said(answer: Answer, properties: dict[str, str], message: str) -> None:
    with listening(answer) as servers:
        assert refusal(servers, properties) == message.format(servers)


def test_without_a_ticket_kerberos_is_told_apart_from_a_broker_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    class GSSError(Exception):
        pass

    def name(*_: object, **__: object) -> None:
        raise GSSError("No Kerberos credentials available")

    library, errors = ModuleType("gssapi"), ModuleType("gssapi.exceptions")
    library.__spec__ = ModuleSpec("gssapi", None)
    vars(library).update(Name=name, NameType=SimpleNamespace(hostbased_service=0), exceptions=errors)
    vars(errors).update(GSSError=GSSError)
    monkeypatch.setitem(sys.modules, "gssapi", library)
    monkeypatch.setitem(sys.modules, "gssapi.exceptions", errors)
    gssapi = struct.pack(">hi", 0, 1) + text("GSSAPI")

    with listening(as_broker(handshake=gssapi)) as servers:
        assert refusal(servers, {"security.protocol": "SASL_PLAINTEXT"}) == (
            f"the broker at {servers} refuses the login (No Kerberos credentials available): "
            f"check sasl.jaas.config and sasl.mechanism {FILE}"
        )


def test_one_broker_that_lets_the_client_in_is_enough() -> None:
    with listening(lambda connection: None) as closing, listening(as_broker()) as servers:
        ensure_reachable(KafkaAccess(f"localhost:1,{closing},{servers}", {}))


def test_a_password_that_one_broker_refuses_is_not_tried_at_the_others() -> None:
    refused = struct.pack(">h", 58) + text("Invalid password") + bytes(4)
    tried: list[int] = []

    def other(connection: socket.socket) -> None:
        tried.append(1)

    with listening(as_broker(handshake=PLAIN, authenticate=refused)) as first, listening(other) as second:
        assert f"the broker at {first} refuses the login" in refusal(f"{first},{second}", login())
    assert tried == []


def test_a_broker_that_says_nothing_is_waited_for_until_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "BROKER_TIMEOUT_MS", 100)
    ends = threading.Event()
    with listening(lambda connection: bool(ends.wait(60))) as servers:
        assert refusal(servers, {}) == (
            f"what listens at {servers} takes connections, but does not answer: "
            "check that it is a broker and not overloaded, and security.protocol"
        )
        ends.set()


def test_where_packets_vanish_all_brokers_together_take_less_than_two_seconds() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        # With its queue full, the system answers to no further connection.
        with socket.create_connection(("127.0.0.1", port)), vain_connections(port):
            said = refusal(",".join([f"127.0.0.1:{port}"] * 3), {"security.protocol": "SASL_PLAINTEXT", **login()})

    assert said.startswith(f"no broker at 127.0.0.1:{port},")
    assert "(no answer in time)" in said


@contextmanager
def vain_connections(port: int) -> Iterator[None]:
    connections = [socket.socket() for _ in range(4)]
    for connection in connections:
        connection.setblocking(False)
        connection.connect_ex(("127.0.0.1", port))
    yield
    for connection in connections:
        connection.close()
