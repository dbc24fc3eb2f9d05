"""A PostgreSQL of our own on loopback, and a PgBouncer before it, by the programs of Debian or of the PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.support.brokers import free_ports
from tests.support.waiting import eventually

RUN = {"check": True, "stdout": subprocess.DEVNULL, "cwd": "/"}
POOLER = """[databases]
* = host=127.0.0.1 port={server}{user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = {way}
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = 2
server_login_retry = 1
logfile = {folder}/log
pidfile = {folder}/pid
"""


class PostgreSQL:
    """A server, which can be stopped and started again. Its programs refuse to run as root, so it has a user's.

    It lets everybody in, or, with a password, whoever has that. Its Unix socket is in its folder.
    """

    def __init__(self, programs: Path, folder: Path, password: str = "") -> None:
        self.port, self.folder, self.password = free_ports(), folder, password
        self.url = f"postgresql+psycopg://tester{password and ':'}{password}@127.0.0.1:{self.port}/postgres"
        self._control = [*as_user(folder), programs / "pg_ctl", "-D", folder / "db", "-w", "-l", folder / "log"]
        initdb = [*as_user(folder), programs / "initdb", "-D", folder / "db", "-U", "tester", "-E", "UTF8"]
        secret = folder / "secret"
        secret.write_text(password or "none")
        as_user(folder, "secret")
        subprocess.run([*initdb, "--pwfile", secret, "-A", "scram-sha-256" if password else "trust"], **RUN)

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        subprocess.run([*self._control, "-o", options, "start"], **RUN)

    def stop(self, mode: str = "immediate") -> None:
        subprocess.run([*self._control, "-m", mode, "stop"], **RUN)


def as_user(folder: Path, *files: str) -> list[str]:
    if os.geteuid() != 0:
        return []
    for path in (folder, *(folder / file for file in files)):
        shutil.chown(path, "postgres")
    return ["runuser", "-u", "postgres", "--"]


@contextmanager
def temporary_folder(name: str) -> Iterator[Path]:
    """Not under pytest's own folder: another pytest of this user closes that to the server's user."""
    folder = Path(tempfile.mkdtemp(prefix=f"sf-police-{name}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def programs() -> Path:
    """The folder with the server's programs; skips where there is none."""
    found = [Path(p).parent for p in [shutil.which("initdb")] if p] + sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found:
        pytest.skip("no PostgreSQL server programs (initdb) on this machine")
    return found[-1]


@contextmanager
def running_postgresql(password: str = "") -> Iterator[PostgreSQL]:
    """Start a server, and stop it at the end; skips where its programs are missing."""
    found = programs()
    with temporary_folder("postgresql") as folder:
        server = PostgreSQL(found, folder, password)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def running_pgbouncer(server: PostgreSQL) -> Iterator[int]:
    """Start a pooler that gives each transaction any connection of its own; yield its port.

    It asks for the password that its server asks for.
    """
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("no PgBouncer on this machine (Debian: apt-get install pgbouncer)")
    with temporary_folder("pgbouncer") as folder:
        port = free_ports()
        # Who comes by `any` is nobody in particular, and becomes the server's user.
        way, user = ("scram-sha-256", "") if server.password else ("any", " user=tester")
        filled = POOLER.format(server=server.port, port=port, folder=folder, way=way, user=user)
        (folder / "pgbouncer.ini").write_text(filled)
        (folder / "users").write_text(f'"tester" "{server.password}"\n')
        own = {"user": "postgres", "group": "postgres", "extra_groups": []} if as_user(folder) else {}
        url = plain(server.url).replace(f":{server.port}/", f":{port}/")
        out = subprocess.DEVNULL
        with subprocess.Popen([program, folder / "pgbouncer.ini"], stdout=out, stderr=out, cwd="/", **own) as process:
            try:
                eventually(lambda: psycopg.connect(url).close(), psycopg.OperationalError)
                yield port
            finally:
                process.terminate()


def plain(url: str) -> str:
    """The URL as libpq has it."""
    return url.replace("+psycopg", "")
