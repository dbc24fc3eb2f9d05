"""The session's options, without a session."""

from pathlib import Path

import pyspark
import pytest

from sf_police.config import resolve
from sf_police.session import spark_options


@pytest.mark.parametrize(
    ("max_offsets", "is_compiled"), [(None, True), ("200", False), ("5000", False), ("5001", True)]
)
def test_code_is_compiled_for_micro_batches_that_are_worth_it(
    tmp_path: Path, max_offsets: str | None, is_compiled: bool
) -> None:
    jar = tmp_path / f"connector-{pyspark.__version__}" / "connector.jar"
    jar.parent.mkdir()
    jar.touch()
    options = spark_options(resolve({"jars_dir": str(tmp_path), "max_offsets_per_trigger": max_offsets}))
    assert options.get("spark.sql.codegen.factoryMode", "FALLBACK") == ("FALLBACK" if is_compiled else "NO_CODEGEN")
    assert options.get("spark.sql.codegen.wholeStage", "true") == ("true" if is_compiled else "false")
