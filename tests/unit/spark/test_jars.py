"""The jars of the connector: as a whole or not at all, by checksum. What Ivy does is faked."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from sf_police.config import Config
from sf_police.errors import SfPoliceError
from sf_police.spark import jars, jvm
from tests.support.question import resolve

CONTENTS = {"a.jar": b"one", "b.jar": b"two"}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Settings with a JARS_DIR; the connector has two jars."""
    sums = {f"connector-9.9/{name}": hashlib.sha256(data).hexdigest() for name, data in CONTENTS.items()}
    monkeypatch.setattr(jars.pyspark, "__version__", "9.9")
    monkeypatch.setattr(jars, "checksums", lambda broker=True: sums)
    return resolve({"jars_dir": str(tmp_path / "jars")})


def fetching(monkeypatch: pytest.MonkeyPatch, contents: dict[str, bytes]) -> list[Path]:
    """What is fetched, and the folders into which it was."""
    folders: list[Path] = []

    def fetch(_: jars.Jars, __: Config, incoming: Path) -> None:
        folders.append(incoming)
        (incoming / "connector-9.9").mkdir()
        for name, data in contents.items():
            (incoming / "connector-9.9" / name).write_bytes(data)

    monkeypatch.setattr(jars, "_fetch", fetch)
    return folders


def installed(config: Config) -> dict[str, bytes]:
    return {str(path.relative_to(config.jars_dir)): path.read_bytes() for path in config.jars_dir.rglob("*.jar")}


WHOLE = {f"connector-9.9/{name}": data for name, data in CONTENTS.items()}


def test_jars_are_installed_once(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    folders, said = fetching(monkeypatch, CONTENTS), []

    for _ in range(2):
        jars.install(jars.connector(), config, say=said.append)

    assert installed(config) == WHOLE
    assert [folder.exists() for folder in folders] == [False]
    assert said[1] == f"the jars of Spark's Kafka connector are already in {config.jars_dir / 'connector-9.9'}"


def test_damaged_jars_are_replaced(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    fetching(monkeypatch, CONTENTS)
    (config.jars_dir / "connector-9.9").mkdir(parents=True)
    for name in ("a.jar", "left from another version.jar"):
        (config.jars_dir / "connector-9.9" / name).write_bytes(b"damaged")

    jars.install(jars.connector(), config, say=lambda _: None)

    assert installed(config) == WHOLE


@pytest.mark.parametrize(
    ("contents", "what"),
    [
        ({"a.jar": b"other", "b.jar": b"two"}, r"connector-9.9/a.jar has the wrong checksum"),
        ({"a.jar": b"one"}, r"connector-9.9/b.jar has the wrong checksum"),
        ({**CONTENTS, "c.jar": b"more"}, r"3 jars, not 2"),
    ],
)
def test_what_was_not_asked_for_is_not_installed(
    config: Config, monkeypatch: pytest.MonkeyPatch, contents: dict[str, bytes], what: str
) -> None:
    fetching(monkeypatch, contents)

    with pytest.raises(SfPoliceError, match=rf"\({what}\); nothing was installed"):
        jars.install(jars.connector(), config, say=lambda _: None)

    assert installed(config) == {}
    assert list(config.jars_dir.iterdir()) == []


def test_another_pyspark_is_refused(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jars.pyspark, "__version__", "1.0")

    with pytest.raises(SfPoliceError, match="no checksums for the jars of Spark's Kafka connector of pyspark 1.0"):
        jars.install(jars.connector(), config, say=lambda _: None)


def test_a_folder_that_cannot_be_written_is_named(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    fetching(monkeypatch, CONTENTS)
    config.jars_dir.write_text("a file")

    with pytest.raises(SfPoliceError, match=f"cannot write to {config.jars_dir}: a file is in its place"):
        jars.install(jars.connector(), config, say=lambda _: None)


def test_the_package_has_the_checksums_of_the_connector_and_of_a_broker() -> None:
    own, every = jars.checksums(broker=False), jars.checksums()

    assert {name.partition("-")[0] for name in own} == {"connector"}
    assert {name.partition("-")[0] for name in every} == {"connector", "kafka_2.13"}
    assert all(len(total) == 64 for total in every.values())


def test_the_package_has_the_checksums_of_what_reads_s3a_for_sparks_own_hadoop() -> None:
    sums = jars.s3a().sums

    assert {name.partition("/")[0] for name in sums} == {f"s3-{jvm.hadoop_version()}"}
    assert f"s3-{jvm.hadoop_version()}/hadoop-aws-{jvm.hadoop_version()}.jar" in sums
    assert not any("bundle" in name for name in sums)


@pytest.mark.parametrize(
    ("proxies", "options"),
    [
        ({}, []),
        ({"https": "http://proxy.example:3128"}, ["-Dhttps.proxyHost=proxy.example", "-Dhttps.proxyPort=3128"]),
        ({"http": "http://p"}, ["-Dhttp.proxyHost=p", "-Dhttp.proxyPort=80"]),
        ({"no": "localhost, .example.org"}, ["-Dhttp.nonProxyHosts=localhost|*.example.org"]),
    ],
)
def test_proxies_reach_the_jvm(proxies: dict[str, str], options: list[str]) -> None:
    assert jars.proxy_options(proxies) == options
