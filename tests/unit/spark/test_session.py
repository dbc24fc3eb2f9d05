"""The session's options, without a session."""

from pathlib import Path

import pyspark
import pytest

from sf_police.spark.session import spark_options
from tests.support.question import resolve


@pytest.fixture
def jars_dir(tmp_path: Path) -> str:
    jar = tmp_path / f"connector-{pyspark.__version__}" / "connector.jar"
    jar.parent.mkdir()
    jar.touch()
    return str(tmp_path)


@pytest.mark.parametrize(
    ("max_offsets", "is_compiled"), [(None, True), ("200", False), ("5000", False), ("5001", True)]
)
def test_code_is_compiled_for_micro_batches_that_are_worth_it(
    jars_dir: str, max_offsets: str | None, is_compiled: bool
) -> None:
    options = spark_options(resolve({"jars_dir": jars_dir, "max_offsets_per_trigger": max_offsets}))
    assert options.get("spark.sql.codegen.factoryMode", "FALLBACK") == ("FALLBACK" if is_compiled else "NO_CODEGEN")
    assert options.get("spark.sql.codegen.wholeStage", "true") == ("true" if is_compiled else "false")


@pytest.mark.parametrize(("records", "is_short"), [(0, True), (1_000_000, True), (1_000_001, False), (None, False)])
def test_a_long_run_starts_with_all_of_its_heap(jars_dir: str, records: int | None, is_short: bool) -> None:
    config = resolve({"jars_dir": jars_dir, "spark_driver_memory": "3g"})
    java_options = spark_options(config, records=records)["spark.driver.extraJavaOptions"].split()
    assert ("-Xms3g" in java_options) != is_short
    assert ("-XX:TieredStopAtLevel=1" in java_options) == is_short
