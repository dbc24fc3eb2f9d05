"""Keystores and truststores, by the names of Kafka's Java clients: PEM in a file or in the settings, PKCS12, JKS.

What comes out is PEM, for OpenSSL. What Java's clients refuse is refused here, so that one file holds for both clients.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sf_police.topic import jks
from sf_police.topic.pem import CERTIFICATE, PLAIN_KEY, certificates, pem, private_key

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_PEM, _PKCS12, _JKS = "PEM", "PKCS12", "JKS"
_CHAIN: Final = "ssl.keystore.certificate.chain"
_KEY: Final = "ssl.keystore.key"
_KEY_PASSWORD: Final = "ssl.key.password"  # noqa: S105 # a setting's name
_TRUSTED: Final = "ssl.truststore.certificates"
OWN_KEYS: Final = ("ssl.keystore.location", _KEY, _CHAIN)
STORE_KEYS: Final = (
    "ssl.truststore.location", "ssl.truststore.type", "ssl.truststore.password", _TRUSTED,
    "ssl.keystore.location", "ssl.keystore.type", "ssl.keystore.password", _CHAIN, _KEY, _KEY_PASSWORD,
)  # fmt: skip


@dataclass(frozen=True)
class OwnKey:
    """A client's private key and its certificates, in PEM, and the password that the key is encrypted with, if any."""

    chain: str
    key: str = field(repr=False)
    password: str | None = field(repr=False)


def trusted_certificates(settings: Mapping[str, str]) -> str | None:
    """Return the certificates that are trusted, in PEM; None: those of the system.

    Raises:
        ValueError: they cannot be read, and which setting is wrong.
    """
    inline = settings.get(_TRUSTED)
    _check_form("ssl.truststore", settings, inline=(_TRUSTED,))
    if inline is not None:
        with _named(_TRUSTED):
            return certificates(inline)
    path = settings.get("ssl.truststore.location")
    if path is None:
        return None
    password = settings.get("ssl.truststore.password")
    with _named("ssl.truststore.location", path):
        data = Path(path).read_bytes()
        kind = _kind("ssl.truststore", settings, data)
        if kind == _PEM:
            return certificates(data.decode("latin-1"))
        if kind == _JKS:
            found = jks.read_jks(data, password)
            ders = [*found.trusted, *(key.chain[0] for key in found.keys if key.chain)]
        else:
            store = _read_pkcs12(data, password, "ssl.truststore.password")
            # To Java, those that `keytool` has put in are trusted: with a name, and a mark that cannot be seen here.
            named = [each for each in store.additional_certs if each.friendly_name]
            ders = [_der(each) for each in (store.cert, *named) if each]
        if not ders:
            raise ValueError("it holds no certificate that Java would trust; make it by `keytool -importcert`")
        return "".join(pem(CERTIFICATE, der) for der in ders)


def own_key(settings: Mapping[str, str]) -> OwnKey | None:
    """Return the client's own key and certificates; None if it has none.

    Raises:
        ValueError: they cannot be read, and which setting is wrong.
    """
    _check_form("ssl.keystore", settings, inline=(_CHAIN, _KEY))
    password = settings.get(_KEY_PASSWORD)
    if _KEY in settings:
        with _named(_CHAIN):
            chain = certificates(settings[_CHAIN])
        with _named(_KEY):
            return OwnKey(chain, private_key(settings[_KEY], password), password)
    path = settings.get("ssl.keystore.location")
    if path is None:
        return None
    with _named("ssl.keystore.location", path):
        data = Path(path).read_bytes()
        kind = _kind("ssl.keystore", settings, data)
        if kind == _PEM:
            text = data.decode("latin-1")
            return OwnKey(certificates(text), private_key(text, password), password)
        store_password = settings.get("ssl.keystore.password")
        if kind == _JKS:
            return _from_jks(data, store_password, password or store_password)
        return _from_pkcs12(data, store_password, password)


def _check_form(store: str, settings: Mapping[str, str], *, inline: tuple[str, ...]) -> None:
    kind = settings.get(f"{store}.type", _JKS).upper()
    given = [key for key in inline if key in settings]
    if kind not in (_PEM, _PKCS12, _JKS):
        raise ValueError(f"{store}.type: expected {_PEM}, {_PKCS12} or {_JKS}")
    if given and kind != _PEM:
        raise ValueError(f"{given[0]} is PEM; set {store}.type=PEM")
    if given and f"{store}.location" in settings:
        raise ValueError(f"{given[0]} and {store}.location exclude each other")
    if given and len(given) < len(inline):
        raise ValueError(f"{' and '.join(inline)} belong together")
    if kind == _PEM and f"{store}.password" in settings:
        raise ValueError(f"{store}.password: PEM has none; a key's is ssl.key.password")


def _kind(store: str, settings: Mapping[str, str], data: bytes) -> str:
    if settings.get(f"{store}.type", _JKS).upper() == _PEM:
        return _PEM
    # As Java does: the two are told apart by what they are.
    if data.startswith(jks.MAGIC):
        return _JKS
    if data.startswith(b"\x30"):
        return _PKCS12
    raise ValueError(f"it is neither PKCS12 nor JKS; for PEM, set {store}.type=PEM")


def _from_jks(data: bytes, store_password: str | None, password: str | None) -> OwnKey:
    if store_password is None or password is None:
        raise ValueError("ssl.keystore.password is missing")
    keys = jks.read_jks(data, store_password).keys
    if not keys:
        raise ValueError("it holds no private key")
    plain = pem(PLAIN_KEY, jks.decrypted(keys[0], password))
    return OwnKey("".join(pem(CERTIFICATE, der) for der in keys[0].chain), plain, None)


def _from_pkcs12(data: bytes, store_password: str | None, password: str | None) -> OwnKey:
    if password not in (None, store_password):
        raise ValueError("a PKCS12 file has one password: set ssl.key.password to it, or leave it out")
    store = _read_pkcs12(data, store_password, "ssl.keystore.password")
    if store.key is None or store.cert is None:
        raise ValueError("it holds no private key")
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    der = store.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    chain = _chain(store.cert.certificate, [each.certificate for each in store.additional_certs])
    return OwnKey(
        "".join(pem(CERTIFICATE, each.public_bytes(Encoding.DER)) for each in chain), pem(PLAIN_KEY, der), None
    )


def _chain(first: Certificate, others: list[Certificate]) -> list[Certificate]:
    chain = [first]
    while chain[-1].issuer != chain[-1].subject:
        issuer = next((each for each in others if each.subject == chain[-1].issuer and each not in chain), None)
        if issuer is None:
            break
        chain.append(issuer)
    return chain


def _read_pkcs12(data: bytes, password: str | None, setting: str) -> Any:
    try:
        from cryptography.hazmat.primitives.serialization import pkcs12
    except ImportError:
        raise ValueError("PKCS12 needs a package that is not installed; install the extra `keystores`") from None
    try:
        return pkcs12.load_pkcs12(data, password.encode() if password is not None else None)
    except ValueError:
        what = "is wrong, or the file is damaged" if password is not None else "is missing"
        raise ValueError(f"{setting} {what}") from None


def _der(entry: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    found: bytes = entry.certificate.public_bytes(Encoding.DER)
    return found


@contextmanager
def _named(setting: str, path: str = "") -> Iterator[None]:
    where = f"{setting}={path}" if path else setting
    try:
        yield
    except OSError as error:
        raise ValueError(f"{where}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
