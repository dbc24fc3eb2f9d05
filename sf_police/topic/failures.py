"""A failure of the brokers, of the network or of a client, in words for people. Sends nothing but a TLS greeting."""

from __future__ import annotations

import re
import socket
import ssl
from typing import Final

from kafka.errors import (
    AuthorizationError,
    KafkaConfigurationError,
    KafkaError,
    SaslAuthenticationFailedError,
    UnknownTopicOrPartitionError,
    UnsupportedCodecError,
    UnsupportedSaslMechanismError,
)

from sf_police.errors import SfPoliceError, UnknownTopicError

Server = tuple[str, int]

_CODECS: Final = {"snappy": "python-snappy", "zstd": "zstandard", "lz4": "lz4"}
_IN_THE_FILE: Final = "in the file that KAFKA_CLIENT_PROPERTIES names"
_LOCAL: Final = re.compile(r"localhost|127\.[\d.]+|::1|0\.0\.0\.0")
# In a request and its answer, printed whole: what the broker says.
_TOLD: Final = re.compile(r"failed with response .*?error_message=(['\"])(.+?)\1, \w+=", re.DOTALL)
_COLLIDES: Final = re.compile(r"collides with existing topics?: (\S+)")
_GREETING_TIMEOUT_S: Final = 3


def text_of(error: BaseException) -> str:
    """Return the client library's error and its reason, the name once."""
    name = type(error).__name__
    reason = re.sub(rf"^(?:\[Error -?\w+\] |{name}(?:: |$))+", "", str(error)).strip()
    told = _TOLD.search(reason)
    reason = told[2] if told else reason
    return f"{name}: {reason}" if reason else name


def split_servers(servers: str) -> list[Server]:
    """Return host and port of each of the servers."""
    pairs = (server.rpartition(":") for server in servers.split(","))
    return [(host.strip("[]"), int(port)) for host, _, port in pairs]


def unreachable(servers: str, errors: list[OSError]) -> SfPoliceError:
    """Describe brokers that cannot be connected to, given the error of each."""
    hosts = [host for host, _ in split_servers(servers)]
    unknown = [host for host, error in zip(hosts, errors, strict=True) if isinstance(error, socket.gaierror)]
    if len(unknown) == len(hosts):
        return SfPoliceError(
            f"the name {unknown[0]} does not resolve (brokers: {servers})",
            remedy="correct KAFKA_BOOTSTRAP_SERVERS, or make the name known to this machine",
        )
    if any(_LOCAL.fullmatch(host) for host in hosts):
        return SfPoliceError(f"no broker at {servers}", remedy="run `make kafka-start`")
    reasons = {f"{host} does not resolve" for host in unknown} | {
        error.strerror or "no answer in time" for error in errors if not isinstance(error, socket.gaierror)
    }
    return SfPoliceError(
        f"no broker at {servers} ({'; '.join(sorted(reasons))})",
        remedy="check KAFKA_BOOTSTRAP_SERVERS, and that this machine may connect to them",
    )


def tls_failure(servers: str, error: OSError) -> SfPoliceError:
    """Describe a TLS connection that did not come about."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return SfPoliceError(
            f"the certificate of the broker at {servers} is not trusted ({error.verify_message})",
            remedy=f"set ssl.truststore.location {_IN_THE_FILE}",
        )
    reason = "" if isinstance(error, ssl.SSLEOFError) else getattr(error, "reason", "")
    if reason not in ("", "WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        return SfPoliceError(f"no TLS with the broker at {servers} ({reason})")
    # A broker that expects something else answers in its own way, hangs up, or waits.
    return SfPoliceError(
        f"the broker at {servers} does not use TLS at that port",
        remedy="set security.protocol to PLAINTEXT or SASL_PLAINTEXT, or use the broker's TLS port",
    )


def no_bootstrap(servers: str, protocol: str) -> SfPoliceError:
    """Describe servers that accept connections, but give no answer as brokers of that protocol."""
    if not protocol.endswith("SSL") and any(map(_greets_by_tls, split_servers(servers))):
        return SfPoliceError(
            f"the broker at {servers} expects TLS, but security.protocol is {protocol}",
            remedy=f"set security.protocol to SSL or SASL_SSL {_IN_THE_FILE}",
        )
    if protocol.startswith("SASL"):
        # kafka-python does not tell a refused login from any other connection that the broker closes.
        return SfPoliceError(
            f"the broker at {servers} refuses the login, or does not use {protocol} at that port",
            remedy=f"check sasl.jaas.config, sasl.mechanism and security.protocol {_IN_THE_FILE}",
        )
    return SfPoliceError(
        f"what listens at {servers} does not answer as a Kafka broker with security.protocol={protocol}",
        remedy=f"check the port, and security.protocol {_IN_THE_FILE}",
    )


def _greets_by_tls(server: Server) -> bool:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent but the greeting
    try:
        with socket.create_connection(server, _GREETING_TIMEOUT_S) as plain, context.wrap_socket(plain):
            return True
    except ssl.SSLError as error:
        # A server that wants a certificate of ours, or another version, has answered by TLS all the same.
        return "ALERT" in (error.reason or "")
    except OSError:
        return False


def unknown_topic(servers: str, topic: str) -> UnknownTopicError:
    """Describe a topic that the brokers do not have."""
    return UnknownTopicError(f"no topic {topic} at {servers}", remedy="run `make topic-create`")


def failure(error: KafkaError, servers: str, *, topic: str | None, protocol: str) -> SfPoliceError:
    """Describe an error of the client library in one line.

    Args:
        error: the library's.
        servers: the brokers, which the line names.
        topic: the topic that the brokers are asked about, if any.
        protocol: by which they are asked, as in `security.protocol`.
    """
    if topic is not None and isinstance(error, UnknownTopicOrPartitionError):
        return unknown_topic(servers, topic)
    if isinstance(error, UnsupportedCodecError):
        return _unsupported_codec(text_of(error), topic)
    if isinstance(error, KafkaConfigurationError):
        return SfPoliceError(f"KAFKA_CLIENT_PROPERTIES: kafka-python refuses the settings ({text_of(error)})")
    if "bootstrap" in str(error).lower():
        return no_bootstrap(servers, protocol)
    what, remedy = _refusal(error, topic)
    return SfPoliceError(f"the broker at {servers}{what}", remedy=remedy)


def _refusal(error: KafkaError, topic: str | None) -> tuple[str, str]:
    text = text_of(error)
    if isinstance(error, SaslAuthenticationFailedError | UnsupportedSaslMechanismError):
        reason = text.partition(": ")[2] or "no reason given"
        return f" refuses the login ({reason})", f"check sasl.mechanism and sasl.jaas.config {_IN_THE_FILE}"
    if isinstance(error, AuthorizationError):
        what = f"topic {topic}" if topic and "Topic" in type(error).__name__ else "this"
        return f" does not allow {what} ({text})", "ask for the rights (ACLs)"
    other = _COLLIDES.search(text)
    if other:
        what = f" has a topic {other[1].rstrip('.,')}, with whose name {topic} collides"
        return f"{what} (to Kafka, . and _ are one in the names of metrics)", "set KAFKA_TOPIC to another name"
    if "DNS" in text:
        what = " names an address to its clients that does not resolve here"
        return what, "correct its advertised.listeners, or make the name known to this machine"
    if "ECONNREFUSED" in text:
        what = " names an address to its clients that refuses connections"
        return what, "check its advertised.listeners, and that all brokers run"
    return f": {text}", ""


def _unsupported_codec(text: str, topic: str | None) -> SfPoliceError:
    codec = next((name for name in _CODECS if name in text), None)
    which = f"the records of {topic}" if topic else "the records"
    if codec is None:
        return SfPoliceError(f"{which} are compressed in a way that kafka-python does not know ({text})")
    return SfPoliceError(
        f"{which} are compressed with {codec}, which kafka-python cannot read as installed",
        remedy=f"install {_CODECS[codec]} (`python -m pip install {_CODECS[codec]}`)",
    )
