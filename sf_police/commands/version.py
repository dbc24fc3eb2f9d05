"""What `sf-police --version` says: the versions that an answer may depend on. Imports neither Spark nor Kafka."""

from __future__ import annotations

import platform
import re
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sf_police import __version__


def version_text(jars_dir: Path, java_home: str | None) -> str:
    """Return a line for each: this program, Python, Spark, its Kafka connector, Java; also where some are missing.

    Args:
        jars_dir: where the connector's jars are.
        java_home: the Java to look at; None for the one on the PATH. It is not started.
    """
    spark = _pyspark()
    return "\n".join(
        [
            f"sf-police {__version__}",
            f"Python {platform.python_version()}",
            f"pyspark {spark or 'is not installed'}",
            f"spark-sql-kafka-0-10 {_connector(jars_dir, spark) or f'is not installed in {jars_dir}'}",
            f"Java {_java(java_home)}",
        ]
    )


def _pyspark() -> str:
    try:
        return version("pyspark")
    except PackageNotFoundError:
        return ""


def _connector(jars_dir: Path, spark: str) -> str:
    found = sorted((jars_dir / f"connector-{spark}").glob("spark-sql-kafka-0-10_*.jar"))
    return found[0].stem.rpartition("-")[2] if found else ""


def _java(java_home: str | None) -> str:
    program = shutil.which("java", path=str(Path(java_home) / "bin") if java_home else None)
    if not program:
        return f"is not {f'in JAVA_HOME={java_home}' if java_home else 'on the PATH'}"
    home = Path(program).resolve().parent.parent
    release = home / "release"
    said = release.read_text("utf-8", "replace") if release.is_file() else ""
    number = re.search(r'^JAVA_VERSION="([^"]+)"', said, re.MULTILINE)
    return f"{number[1] if number else '(version unknown)'} at {home}"
