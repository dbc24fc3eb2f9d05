"""Which sockets listen, and where: read from Linux's /proc."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest

needs_proc = pytest.mark.skipif(
    not Path("/proc/net/tcp").exists(), reason="listening sockets are read from Linux's /proc"
)


def listening_addresses() -> set[str]:
    """Address of every listening TCP socket of this machine's processes that the caller may see."""
    found = set()
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                found.add(f"{name} {fields[1]} {fields[9]}")
    return found


def listening_addresses_of(pids: Iterable[int]) -> set[str]:
    """Those of some processes."""
    inodes = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed since
                inodes.add(os.readlink(descriptor).removeprefix("socket:[").removesuffix("]"))
    return {socket for socket in listening_addresses() if socket.split()[2] in inodes}


def is_loopback(socket: str) -> bool:
    kind, address, _ = socket.split()
    host = address.partition(":")[0]
    if kind == "tcp":
        return host.endswith("7F")
    return host in ("00000000000000000000000001000000", "0000000000000000FFFF00000100007F")
