"""Java's own keystore format, JKS, which `keytool` wrote by default up to Java 8. Reads only; knows no file.

The format and its encryption are Sun's, and frozen: `sun.security.provider.JavaKeyStore` and `KeyProtector`. (A file
named .jks that a newer `keytool` wrote is PKCS12.)
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

MAGIC: Final = b"\xfe\xed\xfe\xed"
_KEY, _CERTIFICATE = 1, 2
_DIGEST: Final = 20  # bytes of SHA-1
_WHITENER: Final = b"Mighty Aphrodite"
_SALT_AND_CHECK: Final = 2 * _DIGEST
# The object identifier 1.3.6.1.4.1.42.2.17.1.1, after which an encrypted key follows as an octet string.
_KEY_PROTECTOR: Final = bytes.fromhex("060a2b060104012a02110101")


@dataclass(frozen=True)
class KeyEntry:
    """An encrypted private key, and the certificates of its chain: DER."""

    protected: bytes = field(repr=False)
    chain: tuple[bytes, ...]


@dataclass(frozen=True)
class Jks:
    """A keystore's entries."""

    keys: tuple[KeyEntry, ...]
    trusted: tuple[bytes, ...]


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) != count:
            raise ValueError("it is cut off")
        self._at += count
        return taken

    def number(self) -> int:
        return int(struct.unpack(">I", self.take(4))[0])

    def sized(self) -> bytes:
        return self.take(self.number())

    def name(self) -> bytes:
        return self.take(int(struct.unpack(">H", self.take(2))[0]))


def read_jks(data: bytes, password: str | None) -> Jks:
    """Read a keystore; without a password, what it holds is taken as it is.

    Raises:
        ValueError: it is damaged, or the password is wrong.
    """
    if password is not None:
        digest = hashlib.sha1(_password(password) + _WHITENER + data[:-_DIGEST]).digest()  # noqa: S324 # the format's
        if not hmac.compare_digest(digest, data[-_DIGEST:]):
            raise ValueError("the password is wrong, or the file is damaged")
    reader = _Reader(data[:-_DIGEST])
    reader.take(len(MAGIC))
    has_types = reader.number() == 2  # a certificate's type stands before it, but for version 1
    entries = list(_entries(reader, has_types))
    return Jks(
        tuple(entry for entry in entries if isinstance(entry, KeyEntry)),
        tuple(entry for entry in entries if isinstance(entry, bytes)),
    )


def _entries(reader: _Reader, has_types: bool) -> Iterator[KeyEntry | bytes]:
    def certificate() -> bytes:
        if has_types:
            reader.name()
        return reader.sized()

    for _ in range(reader.number()):
        kind = reader.number()
        reader.name()
        reader.take(8)  # when it was made
        if kind == _KEY:
            protected = reader.sized()
            yield KeyEntry(protected, tuple(certificate() for _ in range(reader.number())))
        elif kind == _CERTIFICATE:
            yield certificate()
        else:
            raise ValueError("it holds something that is neither a key nor a certificate")


def decrypted(key: KeyEntry, password: str) -> bytes:
    """Return the private key as PKCS #8 in DER. Raises ValueError if the password is wrong."""
    start = key.protected.find(_KEY_PROTECTOR)
    if start < 0:
        raise ValueError("its private key is encrypted in a way that JKS does not have")
    data = _octets(key.protected[start + len(_KEY_PROTECTOR) :])
    salt, hidden, check = data[:_DIGEST], data[_DIGEST:-_DIGEST], data[-_DIGEST:]
    secret = _password(password)
    stream, block = bytearray(), salt
    while len(stream) < len(hidden):
        block = hashlib.sha1(secret + block).digest()  # noqa: S324 # the format's
        stream += block
    plain = bytes(each ^ mask for each, mask in zip(hidden, stream, strict=False))
    if not hmac.compare_digest(hashlib.sha1(secret + plain).digest(), check):  # noqa: S324 # the format's
        raise ValueError("ssl.key.password is wrong, or missing")
    return plain


def _octets(der: bytes) -> bytes:
    # The parameters, NULL, may stand between; then the octet string, which goes to the end.
    rest = der.removeprefix(b"\x05\x00")
    if len(rest) < 2 or rest[0] != 0x04:
        raise ValueError("its private key is damaged")
    length_bytes = rest[1] & 0x7F if rest[1] & 0x80 else 0
    data = rest[2 + length_bytes :]
    if len(data) < _SALT_AND_CHECK:
        raise ValueError("its private key is damaged")
    return data


def _password(text: str) -> bytes:
    return text.encode("utf-16-be")
