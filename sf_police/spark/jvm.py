"""The JVM that Spark runs in: which Java, which jars, and the archive of classes that halves its start.

The archive (AppCDS) is made at install. Its name says which Java, Spark and jars it is of: when one changes, it is not
found, and Spark starts as it does without. The JVM checks it once more, and ignores one that does not fit.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from pathlib import Path
from typing import Final

import pyspark

from sf_police.config import Config
from sf_police.errors import SfPoliceError

OLDEST_JAVA: Final = 17
# Up to so many records, what the optimizing compiler takes to start is more than it gives.
_SHORT_RUN_RECORDS: Final = 1_000_000


def connector_jars(config: Config) -> list[Path]:
    """The jars of the Kafka connector of this pyspark's version. Raises SfPoliceError when they are not installed."""
    folder = config.jars_dir / f"connector-{pyspark.__version__}"
    jars = sorted(folder.glob("*.jar"))
    if not jars:
        raise SfPoliceError(f"no jars of Spark's Kafka connector in {folder}: try `make install`")
    return jars


def java_options(config: Config, *, records: int | None) -> str:
    """Options of a local master's JVM.

    Args:
        config: where Java and the jars are.
        records: how many the run is going to read; None when it goes on and on.
    """
    options = ["-Duser.timezone=UTC", "-XX:+UseParallelGC"]
    archive = archive_path(config)
    if archive.exists():
        options.append(f"-XX:SharedArchiveFile={archive}")
    if records is not None and records <= _SHORT_RUN_RECORDS:
        options.append("-XX:TieredStopAtLevel=1")
    else:
        # A heap that grows with what it holds is collected twice as long on its way.
        options.append(f"-Xms{config.spark_driver_memory}")
    return " ".join(options)


def archive_path(config: Config) -> Path:
    """Where the archive is, or would be: in the venv, as the JVM notes the paths of its classes."""
    java = java_program(config)
    parts = [str(java), java_release(java), str(pyspark.__path__[0])]
    parts += [f"{jar} {jar.stat().st_size}" for jar in connector_jars(config)]
    name = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    return Path(sys.prefix) / "share" / "sf-police" / f"spark-{name}.jsa"


def java_program(config: Config) -> Path:
    """The java that Spark will run. Raises SfPoliceError when there is none, or one that is too old."""
    folder = str(config.java_home / "bin") if config.java_home else None
    found = shutil.which("java", path=folder)
    if not found:
        where = f"JAVA_HOME={config.java_home}" if config.java_home else "the PATH"
        raise SfPoliceError(f"no Java in {where}: install Java 17 or 21, or set JAVA_HOME to one")
    java = Path(found).resolve()
    match = re.search(r'^JAVA_VERSION="(\d+)', java_release(java), re.MULTILINE)
    if match and int(match[1]) < OLDEST_JAVA:
        raise SfPoliceError(f"{java} is Java {match[1]}: install Java 17 or 21, or set JAVA_HOME to one")
    return java


def java_release(java: Path) -> str:
    """What a Java says of itself in its `release` file; blank where it has none."""
    release = java.parent.parent / "release"
    return release.read_text("utf-8", "replace") if release.exists() else ""
