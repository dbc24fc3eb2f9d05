"""What every test has: fixtures of the repo, and Spark on two cores without a broker or its jars."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from sf_police.spark.session import MEANING

FIXTURES = Path(__file__).parent.parent / "fixtures"


def pytest_addoption(parser: pytest.Parser) -> None:
    ways = ("auto", "docker", "scripts")
    parser.addoption("--kafka-by", choices=ways, default="auto", help="which broker the integration tests start")


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    # `collect` converts times in Python's zone.
    os.environ["TZ"] = "UTC"
    time.tzset()
    builder = SparkSession.builder.master("local[2]").appName("tests")
    options = {
        **MEANING,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": "-Duser.timezone=UTC",
        "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse")),
        "spark.sql.streaming.noDataMicroBatches.enabled": "false",
    }
    for name, value in options.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


def read_csv(name: str) -> list[dict[str, str]]:
    """Rows of a fixture that was computed by hand."""
    with (FIXTURES / name).open(newline="") as file:
        return list(csv.DictReader(file))
