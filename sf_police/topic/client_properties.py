"""Translates a client.properties file, as used by Kafka's own tools, for both clients: Spark's (Java) and kafka-python.

A property that kafka-python does not support is refused, never ignored. Nothing connects here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sf_police.errors import UsageError

_SAME_MEANING: Final = {
    "security.protocol": "security_protocol",
    "sasl.mechanism": "sasl_mechanism",
    "sasl.kerberos.service.name": "sasl_kerberos_service_name",
    "ssl.truststore.location": "ssl_cafile",
    "ssl.keystore.location": "ssl_certfile",
    "ssl.key.password": "ssl_password",
    "client.id": "client_id",
}
_PEM_TYPES: Final = ("ssl.truststore.type", "ssl.keystore.type")
_CREDENTIAL: Final = re.compile(r'\b(username|password)\s*=\s*"((?:[^"\\]|\\.)*)"')


def read_properties(path: Path) -> dict[str, str]:
    """Read the file's keys and values. Raises UsageError if it cannot be read, or a line is not `key=value`."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise UsageError(f"KAFKA_CLIENT_PROPERTIES={path}: cannot be read ({reason})") from error
    properties = {}
    for number, line in enumerate(re.sub(r"\\\r?\n\s*", "", text).splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith(("#", "!")):
            continue
        key, separator, value = line.partition("=")
        if not separator:
            raise UsageError(f"KAFKA_CLIENT_PROPERTIES={path}: line {number} is not key=value")
        properties[key.strip()] = value.strip()
    return properties


def python_client_options(properties: Mapping[str, str]) -> dict[str, Any]:
    """Translate properties for kafka-python. Raises UsageError for an unsupported one; values are never shown."""
    options: dict[str, Any] = {}
    for key, value in properties.items():
        if key in _SAME_MEANING:
            options[_SAME_MEANING[key]] = value
        elif key == "sasl.jaas.config":
            options |= _credentials(value)
        elif key == "ssl.endpoint.identification.algorithm" and value in ("", "https"):
            options["ssl_check_hostname"] = value == "https"
        elif key in _PEM_TYPES and value.upper() == "PEM":
            continue
        else:
            raise UsageError(
                f"KAFKA_CLIENT_PROPERTIES: kafka-python does not support {key} as set in the file",
                remedy=f"use only {', '.join(sorted([*_SAME_MEANING, 'sasl.jaas.config']))}, and stores of type PEM",
            )
    for key in ("ssl.truststore", "ssl.keystore"):
        if f"{key}.location" in properties and properties.get(f"{key}.type", "JKS").upper() != "PEM":
            raise UsageError(
                f"KAFKA_CLIENT_PROPERTIES: kafka-python reads only PEM files as {key}",
                remedy=f"convert {key}.location to PEM, and set {key}.type=PEM",
            )
    return options


def spark_options(properties: Mapping[str, str]) -> dict[str, str]:
    """Translate properties for Spark's source, which passes `kafka.*` on to the Java client."""
    return {f"kafka.{key}": value for key, value in properties.items()}


def _credentials(jaas: str) -> dict[str, str]:
    found = {name: re.sub(r"\\(.)", r"\1", value) for name, value in _CREDENTIAL.findall(jaas)}
    if set(found) != {"username", "password"}:
        raise UsageError('KAFKA_CLIENT_PROPERTIES: sasl.jaas.config must contain username="…" and password="…"')
    return {"sasl_plain_username": found["username"], "sasl_plain_password": found["password"]}
