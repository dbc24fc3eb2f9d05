"""A store in a file, and the page's charts, made once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sf_police.calls import QUESTION
from sf_police.page.assets import Assets, ready_assets
from sf_police.store.database import Database, open_database


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    """A store that does not exist yet."""
    database = open_database(f"sqlite:///{tmp_path / 'answers.db'}", QUESTION)
    yield database
    database.close()


@pytest.fixture(scope="session")
def jars_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the page's charts are made already."""
    folder = tmp_path_factory.mktemp("jars")
    ready_assets(folder, QUESTION, say=lambda line: None)
    return folder


@pytest.fixture(scope="session")
def assets(jars_dir: Path) -> Assets:
    return ready_assets(jars_dir, QUESTION, say=lambda line: None)
