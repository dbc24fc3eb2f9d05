"""The jars that a run needs: which, with which checksums; and their download, for who has installed the package alone.

In a clone `scripts/kafka-install.sh` fetches them, by the same files, together with those of a local broker.
"""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies

import pyspark

from sf_police.config import Config
from sf_police.errors import SfPoliceError, folder_reason
from sf_police.spark import jvm

_KAFKA: Final = "kafka_"
_PATTERN: Final = "[artifact]-[revision](-[classifier]).[ext]"
_MOST_LINES: Final = 3


@dataclass(frozen=True)
class Jars:
    """Jars that belong together.

    Args:
        what: they are, for people.
        configuration: of ivy.xml.
        folder: in JARS_DIR.
        sums: SHA-256 of each jar, by its path in JARS_DIR.
    """

    what: str
    configuration: str
    folder: str
    sums: Mapping[str, str]

    def are_intact(self, jars_dir: Path) -> bool:
        """Return whether all are there, unaltered."""
        return all(is_intact(jars_dir / name, total) for name, total in self.sums.items())


def connector() -> Jars:
    """Return the jars of Spark's Kafka connector."""
    folder = f"connector-{pyspark.__version__}"
    return Jars("the jars of Spark's Kafka connector", "connector", folder, checksums(broker=False))


def s3a() -> Jars:
    """Return the jars with which Hadoop reads and writes `s3a://`."""
    return Jars("the jars for s3a://", "s3", jvm.s3_folder(), _sums("s3.sha256"))


def checksums(*, broker: bool = True) -> dict[str, str]:
    """Return the SHA-256 of each jar, by its path in JARS_DIR; without `broker` only those of Spark's connector."""
    sums = _sums("jars.sha256")
    return {name: total for name, total in sums.items() if broker or not name.startswith(_KAFKA)}


def _sums(file: str) -> dict[str, str]:
    lines = (files(__package__) / file).read_text("utf-8").splitlines()
    return {line[66:]: line[:64] for line in lines}


def is_intact(jar: Path, checksum: str) -> bool:
    """Return whether a jar is there, unaltered."""
    if not jar.is_file():
        return False
    with jar.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == checksum


def install(jars: Jars, config: Config, *, say: Callable[[str], None]) -> None:
    """Download jars into JARS_DIR, unless they are there.

    Raises:
        SfPoliceError: they cannot be downloaded, or have other checksums; nothing was installed.
    """
    folder = config.jars_dir / jars.folder
    if any(not name.startswith(f"{jars.folder}/") for name in jars.sums):
        raise SfPoliceError(
            f"no checksums for {jars.what} of pyspark {pyspark.__version__} in {jars.folder}",
            remedy="install the version of pyspark that this package requires",
        )
    if jars.are_intact(config.jars_dir):
        say(f"{jars.what} are already in {folder}")
        return
    say(f"downloading {jars.what} into {folder} (once; about a minute)")
    try:
        config.jars_dir.mkdir(parents=True, exist_ok=True)
        # Beside their place, so that the move is a rename: the jars are there as a whole, or not at all.
        with tempfile.TemporaryDirectory(dir=config.jars_dir, prefix="incoming.") as incoming:
            _fetch(jars, config, Path(incoming))
            _move_in(Path(incoming), folder, jars.sums)
    except OSError as error:
        raise SfPoliceError(f"cannot write to {config.jars_dir}: {folder_reason(error)}") from error


def _fetch(jars: Jars, config: Config, incoming: Path) -> None:
    [ivy, *_] = sorted(Path(pyspark.__path__[0], "jars").glob("ivy-*.jar"))
    target = incoming / jars.folder / _PATTERN
    data = files(__package__)
    with as_file(data / "ivy.xml") as module, as_file(data / "ivysettings.xml") as settings:
        command = [
            str(jvm.java_program(config)), f"-Dspark.version={pyspark.__version__}", "-Dkafka.version=0",
            f"-Dhadoop.version={jvm.hadoop_version()}", *proxy_options(getproxies()),
            *([f"-Dmaven.repo={config.maven_repo}"] if config.maven_repo else []),
            "-jar", str(ivy), "-ivy", str(module), "-cache", str(incoming / "cache"), "-types", "jar", "bundle",
            *(["-settings", str(settings)] if config.maven_repo else []),
            "-confs", jars.configuration, "-retrieve", str(target),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603
    if done.returncode:
        words = ("UNRESOLVED", "ERROR", "FAILED", "unknown host", "refused")
        said = [line.strip() for line in done.stdout.splitlines() if any(word in line for word in words)]
        raise SfPoliceError(
            f"could not download the jars ({'; '.join(said[:_MOST_LINES]) or 'Ivy gave no reason'})",
            remedy="check that Maven Central is reachable, or set MAVEN_REPO to a mirror",
        )


def _move_in(incoming: Path, folder: Path, sums: Mapping[str, str]) -> None:
    altered = [name for name, total in sums.items() if not is_intact(incoming / name, total)]
    found = len(list((incoming / folder.name).glob("*.jar")))
    if altered or found != len(sums):
        what = f"{altered[0]} has the wrong checksum" if altered else f"{found} jars, not {len(sums)}"
        raise SfPoliceError(
            f"what was downloaded is not what was asked for ({what}); nothing was installed",
            remedy="set MAVEN_REPO to a mirror that you trust",
        )
    if folder.exists():
        folder.rename(incoming / "before")
    (incoming / folder.name).rename(folder)


def proxy_options(proxies: Mapping[str, str]) -> list[str]:
    """Return the JVM's options for the proxies of the environment, by scheme; Java does not read them itself."""
    options = []
    for scheme in ("http", "https"):
        proxy = urlsplit(proxies.get(scheme, ""))
        if proxy.hostname:
            options += [f"-D{scheme}.proxyHost={proxy.hostname}", f"-D{scheme}.proxyPort={proxy.port or 80}"]
    if proxies.get("no"):
        hosts = [f"*{name}" if name.startswith(".") else name for name in proxies["no"].replace(" ", "").split(",")]
        options.append(f"-Dhttp.nonProxyHosts={'|'.join(hosts)}")
    return options
