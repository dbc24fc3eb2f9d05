"""PEM texts, with what Java's Kafka clients make of them: what they do not read is refused for both clients."""

from __future__ import annotations

import base64
import binascii
import re
import textwrap
from typing import Final

CERTIFICATE: Final = "CERTIFICATE"
PLAIN_KEY: Final = "PRIVATE KEY"
_ENCRYPTED_KEY: Final = "ENCRYPTED PRIVATE KEY"
# A marker ends in white space, of whatever kind: a value of a properties file is often one line.
_BLOCK: Final = re.compile(r"-+BEGIN\s+([A-Z0-9 ]+?)-+\s+([A-Za-z0-9/+=\s]*)-+END\s+[^-]*-+\s")
_KEY_LABEL: Final = re.compile(r"-+BEGIN\s+([A-Z0-9 ]*PRIVATE KEY)-+")
# The object identifier of pbeWithSHA1And3-KeyTripleDES-CBC, as it stands in a key. Java 17 cannot read PBES2 (AES) in
# PEM, and what else it reads, OpenSSL 3 does not any more.
_READABLE_BY_BOTH: Final = bytes.fromhex("060a2a864886f70d010c0103")


def pem(label: str, der: bytes) -> str:
    """Return DER as a PEM text."""
    lines = "\n".join(textwrap.wrap(base64.b64encode(der).decode(), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


def certificates(text: str) -> str:
    """Return the certificates of a text, as OpenSSL reads them. Raises ValueError if there are none."""
    found = [pem(label, der) for label, der in _blocks(text) if label == CERTIFICATE]
    if not found:
        raise ValueError("it holds no certificate in PEM")
    return "".join(found)


def private_key(text: str, password: str | None) -> str:
    """Return the private key of a text, as OpenSSL reads it.

    Raises:
        ValueError: there is none, or one that not both clients can read with this password.
    """
    label = next(iter(_KEY_LABEL.findall(text)), None)
    if label is None:
        raise ValueError("it holds no private key in PEM")
    if label not in (PLAIN_KEY, _ENCRYPTED_KEY):
        raise ValueError(f"Java does not read a key that begins with {label}; convert it by `openssl pkcs8 -topk8`")
    der = next((der for found, der in _blocks(text) if found == label), None)
    if der is None:
        raise ValueError("its private key is cut off, or is not PEM")
    if label == PLAIN_KEY and password is not None:
        raise ValueError("its private key is not encrypted; leave out ssl.key.password")
    if label == _ENCRYPTED_KEY and password is None:
        raise ValueError("its private key is encrypted; set ssl.key.password")
    if label == _ENCRYPTED_KEY and _READABLE_BY_BOTH not in der[:64]:
        raise ValueError(
            "Java does not read a PEM key that is encrypted in this way (as by AES); keep it in a PKCS12 file, "
            "or encrypt it by `openssl pkcs8 -topk8 -v1 PBE-SHA1-3DES`"
        )
    return pem(label, der)


def _blocks(text: str) -> list[tuple[str, bytes]]:
    try:
        return [
            (label.strip(), base64.b64decode("".join(body.split()), validate=True))
            for label, body in _BLOCK.findall(text + "\n")
        ]
    except binascii.Error:
        raise ValueError("it is not PEM: its Base64 is damaged") from None
