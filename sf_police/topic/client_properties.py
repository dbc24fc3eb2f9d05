"""Translates a client.properties file, as used by Kafka's own tools, for both clients: Spark's (Java) and kafka-python.

Of Kafka's settings, what a client cannot use is ignored, and said under -v; but one about security is refused, as is
what is no setting of Kafka's. Values are never shown. Nothing connects here.
"""

from __future__ import annotations

import importlib.util
import logging
import ssl
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from sf_police.errors import UsageError
from sf_police.topic.client_keys import CONSUMER_KEYS, KAFKA_KEYS, OF_OTHERS
from sf_police.topic.jaas import credentials, is_kerberos, module_options
from sf_police.topic.java_properties import decode_properties, parse_properties
from sf_police.topic.oauth import ENDPOINT, HANDLER, token_provider
from sf_police.topic.tls import TLS_KEYS, ssl_context

_log = logging.getLogger(__name__)

SERVERS: Final = "bootstrap.servers"
ISOLATION_LEVEL: Final = "isolation.level"
_PROTOCOL: Final = "security.protocol"
_MECHANISM: Final = "sasl.mechanism"
_JAAS: Final = "sasl.jaas.config"
_PROTOCOLS: Final = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "GSSAPI")
_SECURITY: Final = ("security.", "sasl.", "ssl.", "config.providers")
_ISOLATION_LEVELS: Final = ("read_committed", "read_uncommitted")


def _milliseconds(text: str) -> int:
    if not text.isdigit():
        raise ValueError("a whole number of milliseconds")
    return int(text)


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(" or ".join(choices))
        return text

    return parse


# What every client of kafka-python takes: the name is the same, with underscores.
_COMMON: Final[dict[str, Callable[[str], Any]]] = {
    "client.id": str,
    "client.dns.lookup": _one_of("use_all_dns_ips", "resolve_canonical_bootstrap_servers_only"),
    _PROTOCOL: _one_of(*_PROTOCOLS),
    _MECHANISM: _one_of(*_MECHANISMS),
    "sasl.kerberos.service.name": str,
    **dict.fromkeys(
        (
            "request.timeout.ms", "retry.backoff.ms", "reconnect.backoff.ms", "reconnect.backoff.max.ms",
            "connections.max.idle.ms", "metadata.max.age.ms",
        ),
        _milliseconds,
    ),
}  # fmt: skip
_USED: Final = {*_COMMON, *TLS_KEYS, _JAAS, HANDLER, ENDPOINT, SERVERS, ISOLATION_LEVEL}


def read_properties(path: Path) -> dict[str, str]:
    """Read the file's keys and values.

    Raises:
        UsageError: it cannot be read, or has a key that is no setting of Kafka's, or one about security that is not
            supported.
    """
    try:
        properties = parse_properties(decode_properties(path.read_bytes()))
    except OSError as error:
        raise _refused(f"{path} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise _refused(f"{path}: {error}") from error
    for key in properties:
        _check(key)
    _parsed(properties, ISOLATION_LEVEL, _one_of(*_ISOLATION_LEVELS))
    return properties


def _check(key: str) -> None:
    if key in _USED:
        return
    if key.startswith(_SECURITY):
        raise _refused(
            f"kafka-python does not support {key}",
            f"of security settings, use only {', '.join(sorted(used for used in _USED if used.startswith(_SECURITY)))}",
        )
    if key not in KAFKA_KEYS and not key.startswith(OF_OTHERS):
        nearest = get_close_matches(key, sorted(KAFKA_KEYS | _USED), n=1)
        raise _refused(
            f"{key or 'a line without a key'} is no setting of a Kafka client", f"use {nearest[0]}" if nearest else ""
        )


def python_client_options(properties: Mapping[str, str]) -> dict[str, Any]:
    """Translate properties for kafka-python: what all of its clients take. Raises UsageError for a bad value."""
    options = {
        key.replace(".", "_"): _parsed(properties, key, parse) for key, parse in _COMMON.items() if key in properties
    }
    if options.get("security_protocol", "").startswith("SASL_"):
        options |= _login(properties, options.setdefault("sasl_mechanism", "GSSAPI"))
    if options.get("security_protocol", "").endswith("SSL"):
        options["ssl_context"] = tls_context(properties)
    ignored = sorted(set(properties) - _USED)
    if ignored:
        _log.info("KAFKA_CLIENT_PROPERTIES: kafka-python has no use for %s", ", ".join(ignored))
    return options


def tls_context(properties: Mapping[str, str]) -> ssl.SSLContext:
    """Return the TLS context of the properties. Raises UsageError if its files cannot be used."""
    try:
        return ssl_context({key: properties[key].strip() for key in TLS_KEYS if key in properties})
    except ValueError as error:
        raise _refused(str(error)) from error


def user_name(properties: Mapping[str, str], options: Mapping[str, Any]) -> str | None:
    """Return who logs in, by the properties and kafka-python's options of them; None if only the brokers know."""
    if not options.get("security_protocol", "").startswith("SASL_"):
        return None
    if "sasl_oauth_token_provider" in options:
        return str(options["sasl_oauth_token_provider"].user())
    if options["sasl_mechanism"] == "GSSAPI":
        return None
    return credentials(properties[_JAAS], options["sasl_mechanism"])[0]


def spark_options(properties: Mapping[str, str]) -> dict[str, str]:
    """Translate properties for Spark's source, which passes `kafka.*` on to a Java consumer."""
    used = {key for key in properties if key in _USED or key in CONSUMER_KEYS} - {SERVERS}
    ignored = sorted(set(properties) - used - {SERVERS})
    if ignored:
        _log.info("KAFKA_CLIENT_PROPERTIES: Spark has no use for %s", ", ".join(ignored))
    return {f"kafka.{key}": properties[key] for key in properties if key in used}


def isolation_level(properties: Mapping[str, str]) -> str:
    """Return which records of transactions are read: only those of committed ones, unless the file says otherwise."""
    return properties.get(ISOLATION_LEVEL, _ISOLATION_LEVELS[0]).strip()


def _login(properties: Mapping[str, str], mechanism: str) -> dict[str, Any]:
    jaas = properties.get(_JAAS, "")
    if mechanism == "GSSAPI":
        if importlib.util.find_spec("gssapi") is None:
            raise _refused(f"{_MECHANISM} is GSSAPI (Kerberos), the default", "install the Python package gssapi")
        if jaas and not is_kerberos(jaas):
            raise _refused(f"{_JAAS} and {_MECHANISM}=GSSAPI do not belong together", f"set {_MECHANISM}, e.g. PLAIN")
        return {}
    if not jaas.strip():
        raise _refused(f"{_PROTOCOL} needs a login, but {_JAAS} is missing")
    try:
        if mechanism == "OAUTHBEARER":
            return _token_login(properties, module_options(jaas, mechanism))
        user, password = credentials(jaas, mechanism)
    except ValueError as error:
        raise _refused(f"{_JAAS}: {error}") from None
    if mechanism.startswith("SCRAM"):
        user = user.replace("=", "=3D").replace(",", "=2C")  # RFC 5802, which kafka-python leaves to its caller
    return {"sasl_plain_username": user, "sasl_plain_password": password}


def _token_login(properties: Mapping[str, str], options: Mapping[str, str]) -> dict[str, Any]:
    try:
        return {"sasl_oauth_token_provider": token_provider(properties, options, tls=ssl_context)}
    except ValueError as error:
        raise _refused(str(error)) from None


def _parsed(properties: Mapping[str, str], key: str, parse: Callable[[str], Any]) -> Any:
    # As Kafka does, without the white space that the format keeps at a value's end.
    try:
        return parse(properties[key].strip()) if key in properties else None
    except ValueError as error:
        raise _refused(f"{key}: expected {error}") from None


def _refused(what: str, remedy: str = "") -> UsageError:
    return UsageError(f"KAFKA_CLIENT_PROPERTIES: {what}", remedy=remedy)
