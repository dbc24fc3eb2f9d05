"""A failure of the brokers or of a client, in words for people. Who is not let in is told why in `refusals.py`."""

from __future__ import annotations

import re
from typing import Final

from kafka.errors import (
    AuthorizationError,
    KafkaConfigurationError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailedError,
    UnknownTopicOrPartitionError,
    UnsupportedCodecError,
    UnsupportedSaslMechanismError,
)

from sf_police.errors import SfPoliceError, UnknownTopicError
from sf_police.topic.refusals import IN_THE_FILE

_CODECS: Final = {"snappy": "python-snappy", "zstd": "zstandard", "lz4": "lz4"}
# In a request and its answer, printed whole: what the broker says.
_TOLD: Final = re.compile(r"failed with response .*?error_message=(['\"])(.+?)\1, \w+=", re.DOTALL)
_UNTRUSTED: Final = re.compile(r"Handshake failed: .*certificate verify failed: (.+?)\.? \(_ssl")
_COLLIDES: Final = re.compile(r"collides with existing topics?: (\S+)")


def text_of(error: BaseException) -> str:
    """Return the client library's error and its reason, the name once."""
    name = type(error).__name__
    reason = re.sub(rf"^(?:\[Error -?\w+\] |{name}(?:: |$))+", "", str(error)).strip()
    told = _TOLD.search(reason)
    reason = told[2] if told else reason
    return f"{name}: {reason}" if reason else name


def unknown_topic(servers: str, topic: str) -> UnknownTopicError:
    """Describe a topic that the brokers do not have."""
    return UnknownTopicError(f"no topic {topic} at {servers}", remedy="run `make topic-create`")


def is_of_connection(error: KafkaError) -> bool:
    """Return whether the client library could not connect, whatever the reason."""
    text = str(error).lower()
    return "bootstrap" in text or (isinstance(error, KafkaConnectionError) and "handshake" in text)


def failure(error: KafkaError, servers: str, *, topic: str | None) -> SfPoliceError:
    """Describe an error of the client library in one line.

    Args:
        error: the library's.
        servers: the brokers, which the line names.
        topic: the topic that the brokers are asked about, if any.
    """
    if topic is not None and isinstance(error, UnknownTopicOrPartitionError):
        return unknown_topic(servers, topic)
    if isinstance(error, UnsupportedCodecError):
        return _unsupported_codec(text_of(error), topic)
    if isinstance(error, KafkaConfigurationError):
        return SfPoliceError(f"KAFKA_CLIENT_PROPERTIES: kafka-python refuses the settings ({text_of(error)})")
    if "bootstrap" in str(error).lower():
        return SfPoliceError(f"the brokers at {servers} do not answer", remedy="check that they run, and try again")
    what, remedy = _refusal(error, topic)
    return SfPoliceError(f"the broker at {servers}{what}", remedy=remedy)


def _refusal(error: KafkaError, topic: str | None) -> tuple[str, str]:
    text = text_of(error)
    if isinstance(error, SaslAuthenticationFailedError | UnsupportedSaslMechanismError):
        reason = text.partition(": ")[2] or "no reason given"
        return f" refuses the login ({reason})", f"check sasl.mechanism and sasl.jaas.config {IN_THE_FILE}"
    if isinstance(error, AuthorizationError):
        what = f"topic {topic}" if topic and "Topic" in type(error).__name__ else "this"
        return f" does not allow {what} ({text})", "ask for the rights (ACLs)"
    other = _COLLIDES.search(text)
    if other:
        what = f" has a topic {other[1].rstrip('.,')}, with whose name {topic} collides"
        return f"{what} (to Kafka, . and _ are one in the names of metrics)", "set KAFKA_TOPIC to another name"
    return _bad_address(text) or (f": {text}", "")


def _bad_address(text: str) -> tuple[str, str] | None:
    names = " names an address to its clients"
    untrusted = _UNTRUSTED.search(text)
    if untrusted:
        what = f"{names} whose certificate is not trusted ({untrusted[1]})"
        return what, "correct its advertised.listeners, or the certificate there"
    if "DNS" in text:
        remedy = "correct its advertised.listeners, or make the name known to this machine"
        return f"{names} that does not resolve here", remedy
    if "ECONNREFUSED" in text:
        return f"{names} that refuses connections", "check its advertised.listeners, and that all brokers run"
    return None


def _unsupported_codec(text: str, topic: str | None) -> SfPoliceError:
    codec = next((name for name in _CODECS if name in text), None)
    which = f"the records of {topic}" if topic else "the records"
    if codec is None:
        return SfPoliceError(f"{which} are compressed in a way that kafka-python does not know ({text})")
    return SfPoliceError(
        f"{which} are compressed with {codec}, which kafka-python cannot read as installed",
        remedy=f"install {_CODECS[codec]} (`python -m pip install {_CODECS[codec]}`)",
    )
