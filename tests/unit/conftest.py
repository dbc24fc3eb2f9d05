"""A store of each kind, on this machine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sf_police.calls import QUESTION
from sf_police.store.answers import StoreReader
from sf_police.store.database import Database, open_database
from sf_police.store.writer import StoreWriter


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """URL of a PostgreSQL of our own on loopback; skips where Debian's or the PATH's server programs are missing."""
    found = [Path(p).parent for p in [shutil.which("initdb")] if p] + sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found:
        pytest.skip("no PostgreSQL server programs (initdb) on this machine")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # Not under pytest's own folder: another pytest of this user closes that to the server's user.
    data = Path(tempfile.mkdtemp(prefix="sf-police-postgresql-"))
    as_user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        as_user = ["runuser", "-u", "postgres", "--"]
        shutil.chown(data, "postgres")
    run = {"check": True, "stdout": subprocess.DEVNULL, "cwd": "/"}
    subprocess.run(
        [*as_user, found[-1] / "initdb", "-D", data / "db", "-U", "tester", "-A", "trust", "-E", "UTF8"], **run
    )
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
    control = [*as_user, found[-1] / "pg_ctl", "-D", data / "db", "-w", "-l", data / "log"]
    subprocess.run([*control, "-o", options, "start"], **run)
    yield f"postgresql+psycopg://tester@127.0.0.1:{port}/postgres"
    subprocess.run([*control, "-m", "immediate", "stop"], **run)
    shutil.rmtree(data)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = (
        f"sqlite:///{tmp_path / 'a folder' / 'answers.db'}"
        if request.param == "sqlite"
        else request.getfixturevalue("postgresql")
    )
    database = open_database(url, QUESTION)
    database.create()
    yield database
    database.drop()
    database.close()


@pytest.fixture
def writer(database: Database) -> StoreWriter:
    return StoreWriter(database)


@pytest.fixture
def reader(database: Database) -> StoreReader:
    return StoreReader(database)
