"""Where a server of ours listens, and by which names it may be asked: one rule for the page and the metrics."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_OWN_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")


def own_names(host: str) -> tuple[str, ...]:
    """Return the names by which a server on this address may be asked; none of them: by any.

    On loopback only a foreign page could ask by another name, one that it has given this machine's address (DNS
    rebinding); elsewhere people, and probes, may call this machine what they like.
    """
    return _OWN_NAMES if host in LOOPBACK else ()


def is_served(header: str, names: Collection[str]) -> bool:
    """Return whether a request with this Host header is answered."""
    host = header.lower()
    name = host if host.endswith("]") else host.rpartition(":")[0] if ":" in host else host
    return not names or name in names


def address(host: str, port: int, path: str = "/") -> str:
    """Return what to type into a browser."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{path}"


def say_if_open(host: str, port: int, *, what: str, setting: str, say: Callable[[str], None]) -> None:
    """Say what it means to listen elsewhere than on loopback."""
    if host not in LOOPBACK:
        say(
            f"whoever reaches port {port} of this machine can read the {what}: there is no password and no "
            f"encryption. Behind a proxy that has both, {setting} is not needed"
        )
