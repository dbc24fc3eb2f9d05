"""The JVM that Spark runs in: which Java, which jars, and the class archive that halves its startup time.

The archive (AppCDS) is created at install, in `stream/class_archive.py`. Its name is derived from the Java, Spark and
jars it belongs to: when one of them changes, it is not found, and Spark starts without it. The JVM checks the archive
itself, too, and ignores one that does not match.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import resource
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pyspark

from sf_police.config import Config
from sf_police.errors import SfPoliceError

OLDEST_JAVA: Final = 17
INSTALL_JAVA: Final = "install Java 17 or 21, or set JAVA_HOME to one"
# A stream has about 350 open: Spark's jars, its shuffled data, and its connections.
LEAST_OPEN_FILES: Final = 512
MORE_FILES: Final = "raise the limit (`ulimit -n 4096`)"
# Up to this many records, the warm-up of the optimizing compiler (C2) costs more than it saves.
_SHORT_RUN_RECORDS: Final = 1_000_000


def connector_jars(config: Config) -> list[Path]:
    """Return the jars of this pyspark version's Kafka connector. Raises SfPoliceError if they are not installed."""
    folder = config.jars_dir / f"connector-{pyspark.__version__}"
    jars = sorted(folder.glob("*.jar"))
    if not jars:
        raise SfPoliceError(f"no jars of Spark's Kafka connector in {folder}", remedy="run `make install`")
    return jars


def hadoop_version() -> str:
    """Return the version of Hadoop that this pyspark has."""
    [jar] = Path(pyspark.__path__[0], "jars").glob("hadoop-client-api-*.jar")
    return jar.stem.removeprefix("hadoop-client-api-")


def s3_folder() -> str:
    """Return the folder in JARS_DIR of what reads and writes `s3a://`: it has to be of Spark's own Hadoop."""
    return f"s3-{hadoop_version()}"


def checkpoint_jars(config: Config) -> list[Path]:
    """Return the jars that the checkpoint's file system needs; none if Spark has it, or they are not installed.

    Where they are missing it is Java that says so: they may be on its class path by the user's own settings.
    """
    if not config.checkpoint.startswith("s3a:"):
        return []
    return sorted((config.jars_dir / s3_folder()).glob("*.jar"))


def ensure_user_name() -> None:
    """Raise SfPoliceError if the user has no name: Hadoop fails without one, whatever HADOOP_USER_NAME is."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        raise SfPoliceError(
            f"the user id {os.geteuid()} has no name, and Hadoop needs one",
            remedy='add it to /etc/passwd, as in `echo "me:x:$(id -u):0::/tmp:/bin/sh" >> /etc/passwd`, or run as '
            "another user",
        ) from None


def most_open_files() -> int | None:
    """Return how many files Java may have open, as it raises its own limit; None: any number."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return None if limit == resource.RLIM_INFINITY else limit


def java_options(config: Config, *, records: int | None, has_collector: bool = False) -> str:
    """Return the options of a local master's JVM.

    Args:
        config: where Java and the jars are.
        records: how many the run will read; None if it has no end.
        has_collector: whether the environment chooses the garbage collector; Java refuses to start with two.
    """
    options = ["-Duser.timezone=UTC", *log_options(config)]
    if not has_collector:
        options.append("-XX:+UseParallelGC")
    archive = archive_path(config)
    if archive.exists():
        options.append(quoted(f"-XX:SharedArchiveFile={archive}"))
    if records is not None and records <= _SHORT_RUN_RECORDS:
        options.append("-XX:TieredStopAtLevel=1")
    else:
        # A heap that grows as it fills spends twice as long in garbage collection.
        options.append(f"-Xms{config.spark_driver_memory}")
    return " ".join(options)


def log_options(config: Config) -> list[str]:
    """Return the options by which Spark's log has the form of our messages."""
    # Spark's own setting for that has no effect on what it takes for a shell, as everything in Python is.
    layout = "-Dlog4j2.configurationFile=classpath:org/apache/spark/log4j2-json-layout.properties"
    return [layout] if config.log_format == "json" else []


def quoted(option: str) -> str:
    """Return an option as one word of Spark's `extraJavaOptions`, whatever characters its path has."""
    if re.fullmatch(r"[\w./:=+-]+", option, re.ASCII):
        return option
    return '"' + option.replace("\\", "\\\\").replace('"', '\\"') + '"'


def archive_path(config: Config) -> Path:
    """Return where the archive is or would be: in the venv, as the JVM records the paths of the classes."""
    name = archive_name(java_program(config), connector_jars(config))
    return Path(sys.prefix) / "share" / "sf-police" / f"{name}.jsa"


def archive_name(java: Path, jars: Sequence[Path]) -> str:
    """Return the name of the archive for this Java and these jars. Raises OSError if a jar does not exist."""
    parts = [str(java), java_release(java), str(pyspark.__path__[0])]
    parts += [f"{jar} {jar.stat().st_size}" for jar in jars]
    return "spark-" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def java_program(config: Config) -> Path:
    """Return the java that Spark will run. Raises SfPoliceError if there is none, or it is too old."""
    folder = str(config.java_home / "bin") if config.java_home else None
    found = shutil.which("java", path=folder)
    if not found:
        where = f"in JAVA_HOME={config.java_home}" if config.java_home else "on the PATH"
        raise SfPoliceError(f"no Java {where}", remedy=INSTALL_JAVA)
    java = Path(found).resolve()
    match = re.search(r'^JAVA_VERSION="(\d+)', java_release(java), re.MULTILINE)
    if match and int(match[1]) < OLDEST_JAVA:
        raise SfPoliceError(f"{java} is Java {match[1]}", remedy=INSTALL_JAVA)
    return java


def java_release(java: Path) -> str:
    """Return the contents of a Java's `release` file; blank if it has none."""
    release = java.parent.parent / "release"
    return release.read_text("utf-8", "replace") if release.exists() else ""
