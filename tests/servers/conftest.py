"""Three secured brokers for all tests that need some: they take half a minute to start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.secured import SecuredBrokers, secured_brokers


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBrokers]:
    """Three brokers; a test sets the rights that it needs."""
    with secured_brokers(tmp_path_factory.mktemp("cluster"), 3) as brokers:
        yield brokers
