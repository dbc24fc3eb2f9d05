"""A Spark cluster of two workers for all tests: whoever kills a worker starts it again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.spark_cluster import SparkCluster, running_cluster


@pytest.fixture(scope="session")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkCluster]:
    """Two workers of one core each."""
    with running_cluster(tmp_path_factory.mktemp("cluster") / "a é folder") as cluster:
        yield cluster
