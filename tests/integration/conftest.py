"""A job with a topic, and a session as the stream has it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from sf_police.spark.session import create_session, stop_session
from tests.support.job import Job
from tests.support.question import resolve


@pytest.fixture
def job(make_job: Callable[..., Job]) -> Job:
    """A job with a new topic of three partitions."""
    return make_job()


@pytest.fixture
def session(tmp_path: Path) -> Iterator[SparkSession]:
    """A session as the stream has it, in this process."""
    session = create_session(
        resolve(
            {"state_dir": str(tmp_path), "spark_master": "local[2]", "jars_dir": os.environ.get("SF_POLICE_JARS_DIR")}
        )
    )
    session.conf.set("spark.sql.shuffle.partitions", "2")
    yield session
    stop_session(session)
