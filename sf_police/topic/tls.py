"""TLS for kafka-python, by the names of Kafka's Java clients: one context for all connections. Connects nowhere."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Mapping
from typing import Final

from sf_police.topic.key_stores import STORE_KEYS, OwnKey, own_key, trusted_certificates

_VERSIONS: Final = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
TLS_KEYS: Final = (
    *STORE_KEYS, "ssl.endpoint.identification.algorithm", "ssl.enabled.protocols", "ssl.protocol",
)  # fmt: skip


def ssl_context(settings: Mapping[str, str]) -> ssl.SSLContext:
    """Return a context with these settings. Raises ValueError, with what is wrong, for what not both clients can do."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _set_versions(context, settings)
    algorithm = settings.get("ssl.endpoint.identification.algorithm", "https")
    if algorithm.lower() not in ("", "https"):
        raise ValueError("ssl.endpoint.identification.algorithm: expected https, or nothing")
    context.check_hostname = bool(algorithm)
    trusted = trusted_certificates(settings)
    if trusted is None:
        context.load_default_certs()
    else:
        # To Java, whatever is in a truststore is trusted, be it a root or not.
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
        context.load_verify_locations(cadata=trusted)
    key = own_key(settings)
    if key is not None:
        _load(context, key)
    return context


def _set_versions(context: ssl.SSLContext, settings: Mapping[str, str]) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for key in ("ssl.enabled.protocols", "ssl.protocol"):
        named = [name.strip() for name in settings.get(key, "").split(",") if name.strip() not in ("", "TLS")]
        if set(named) - set(_VERSIONS):
            raise ValueError(f"{key}: expected {' or '.join(_VERSIONS)}")
        if named:
            context.maximum_version = min(context.maximum_version, max(map(_VERSIONS.__getitem__, named)), key=_rank)
        if named and key == "ssl.enabled.protocols":
            context.minimum_version = min(map(_VERSIONS.__getitem__, named))


def _rank(version: ssl.TLSVersion) -> int:
    return version if version > 0 else 1 << 16  # "the highest there is" is a negative number


def _load(context: ssl.SSLContext, key: OwnKey) -> None:
    # Python's ssl takes a key from a file only. mkstemp's can be read by its owner alone.
    handle, path = tempfile.mkstemp(prefix="sf-police-", suffix=".pem")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(key.key + key.chain)
        # An empty password in place of none: OpenSSL would ask for it at the terminal.
        context.load_cert_chain(path, password=key.password or "")
    except ssl.SSLError as error:
        said = "ssl.key.password is wrong" if key.password else "the private key does not belong to the certificate"
        raise ValueError(f"{said} ({error.reason or error})") from error
    finally:
        os.unlink(path)
