"""A store of each kind, on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sf_police.calls import QUESTION
from sf_police.store.answers import StoreReader
from sf_police.store.database import Database, open_database
from sf_police.store.writer import StoreWriter
from tests.support.postgresql import running_postgresql


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """URL of a PostgreSQL of our own on loopback; skips where its programs are missing."""
    with running_postgresql() as server:
        yield server.url


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
