"""TLS for kafka-python, by the names of Kafka's Java clients: one context for all connections. Connects nowhere."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from typing import Final

_VERSIONS: Final = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
_TRUSTED: Final = "ssl.truststore.location"
_OWN: Final = "ssl.keystore.location"
TLS_KEYS: Final = (
    _TRUSTED, "ssl.truststore.type", "ssl.truststore.certificates", _OWN, "ssl.keystore.type", "ssl.key.password",
    "ssl.endpoint.identification.algorithm", "ssl.enabled.protocols", "ssl.protocol",
)  # fmt: skip


def ssl_context(settings: Mapping[str, str]) -> ssl.SSLContext:
    """Return a context with these settings. Raises ValueError, with what is wrong, for what Python's TLS cannot do."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _set_versions(context, settings)
    algorithm = settings.get("ssl.endpoint.identification.algorithm", "https")
    if algorithm.lower() not in ("", "https"):
        raise ValueError("ssl.endpoint.identification.algorithm: expected https, or nothing")
    context.check_hostname = bool(algorithm)
    for store in ("ssl.truststore", "ssl.keystore"):
        is_used = f"{store}.location" in settings or f"{store}.certificates" in settings
        if is_used and settings.get(f"{store}.type", "JKS").upper() != "PEM":
            raise ValueError(f"kafka-python reads only PEM files as {store}: convert it, and set {store}.type=PEM")
    _trust(context, settings)
    if _OWN in settings:
        _load(lambda: context.load_cert_chain(settings[_OWN], password=settings.get("ssl.key.password", "")), _OWN)
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


def _trust(context: ssl.SSLContext, settings: Mapping[str, str]) -> None:
    if "ssl.truststore.certificates" in settings:
        text = settings["ssl.truststore.certificates"]
        _load(lambda: context.load_verify_locations(cadata=text), "ssl.truststore.certificates")
    elif _TRUSTED in settings:
        _load(lambda: context.load_verify_locations(settings[_TRUSTED]), _TRUSTED)
    else:
        context.load_default_certs()


def _load(load: Callable[[], None], key: str) -> None:
    try:
        load()
    except ssl.SSLError as error:
        raise ValueError(f"{key}: not usable ({error.reason or error}); is it PEM, and the password right?") from error
    except OSError as error:
        raise ValueError(f"{key}: cannot be read ({error.strerror})") from error
