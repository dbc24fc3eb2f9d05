"""Which Java and which jars Spark runs with, and where the archive of its classes is: with a Java that is a fake."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pyspark
import pytest

from sf_police.config import Config
from sf_police.errors import SfPoliceError
from sf_police.spark import jvm
from tests.support.question import resolve

MakeJava = Callable[..., Path]


@pytest.fixture
def make_java(tmp_path: Path) -> MakeJava:
    """Makes a JAVA_HOME whose `release` file has this version; without a version it has no such file."""

    def make(version: str | None = "17.0.15", *, name: str = "java home", mode: int = 0o755) -> Path:
        home = tmp_path / name
        (home / "bin").mkdir(parents=True)
        (home / "bin" / "java").write_text("#!/bin/sh\n")
        (home / "bin" / "java").chmod(mode)
        if version:
            (home / "release").write_text(f'IMPLEMENTOR="Debian"\nJAVA_VERSION="{version}"\nOS_NAME="Linux"\n')
        return home

    return make


@pytest.fixture
def jars_dir(tmp_path: Path) -> Path:
    """Two jars of this pyspark's connector."""
    folder = tmp_path / "jars" / f"connector-{pyspark.__version__}"
    folder.mkdir(parents=True)
    for name in ("b.jar", "a.jar"):
        (folder / name).write_bytes(b"jar")
    return folder.parent


@pytest.fixture
def config(make_java: MakeJava, jars_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Settings with a Java and jars; the venv, where the archive is, is a folder of the test."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    return resolve({"java_home": str(make_java()), "jars_dir": str(jars_dir), "spark_driver_memory": "3g"})


def with_java(home: Path) -> Config:
    return resolve({"java_home": str(home)})


@pytest.mark.parametrize("version", ["17", "17.0.15", "21.0.2", "25-ea", None])
def test_a_java_that_is_new_enough_or_does_not_say_is_taken(make_java: MakeJava, version: str | None) -> None:
    home = make_java(version)

    assert jvm.java_program(with_java(home)) == home / "bin" / "java"


@pytest.mark.parametrize(("version", "shown"), [("16.0.2", "16"), ("11.0.22", "11")])
def test_a_java_that_is_too_old_is_refused_with_its_version(make_java: MakeJava, version: str, shown: str) -> None:
    home = make_java(version)

    with pytest.raises(SfPoliceError) as error:
        jvm.java_program(with_java(home))
    assert str(error.value) == (f"{home}/bin/java is Java {shown}: install Java 17 or 21, or set JAVA_HOME to one")


def test_java_8_which_calls_itself_1_8_is_too_old(make_java: MakeJava) -> None:
    with pytest.raises(SfPoliceError, match="install Java 17 or 21, or set JAVA_HOME to one"):
        jvm.java_program(with_java(make_java("1.8.0_402")))


def test_a_java_home_without_java_is_refused_and_named(tmp_path: Path) -> None:
    with pytest.raises(SfPoliceError) as error:
        jvm.java_program(with_java(tmp_path))
    assert str(error.value) == f"no Java in JAVA_HOME={tmp_path}: install Java 17 or 21, or set JAVA_HOME to one"


def test_a_java_that_cannot_be_executed_is_none(make_java: MakeJava) -> None:
    with pytest.raises(SfPoliceError, match="no Java in JAVA_HOME="):
        jvm.java_program(with_java(make_java(mode=0o644)))


def test_without_a_java_home_it_is_the_paths(
    make_java: MakeJava, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_java()
    monkeypatch.setenv("PATH", str(home / "bin"))
    assert jvm.java_program(resolve({})) == home / "bin" / "java"

    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SfPoliceError, match=r"^no Java on the PATH: install Java 17 or 21"):
        jvm.java_program(resolve({}))


def test_a_java_home_goes_before_the_path(make_java: MakeJava, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(make_java("11.0.22", name="of the path") / "bin"))
    home = make_java("21.0.2")

    assert jvm.java_program(with_java(home)) == home / "bin" / "java"


def test_a_link_to_java_is_followed_to_the_release_that_it_is_of(make_java: MakeJava, tmp_path: Path) -> None:
    """As Debian's alternatives are: /usr/bin/java is no Java's own folder."""
    old = make_java("11.0.22")
    (tmp_path / "usr" / "bin").mkdir(parents=True)
    (tmp_path / "usr" / "bin" / "java").symlink_to(old / "bin" / "java")

    with pytest.raises(SfPoliceError, match="is Java 11"):
        jvm.java_program(with_java(tmp_path / "usr"))


def test_the_connectors_jars_are_those_of_this_pyspark_in_order(config: Config, jars_dir: Path) -> None:
    (jars_dir / "connector-0.0.1").mkdir()
    (jars_dir / "connector-0.0.1" / "other.jar").touch()
    folder = jars_dir / f"connector-{pyspark.__version__}"
    (folder / "note.txt").touch()

    assert jvm.connector_jars(config) == [folder / "a.jar", folder / "b.jar"]


def test_jars_that_are_not_installed_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SfPoliceError) as error:
        jvm.connector_jars(resolve({"jars_dir": str(tmp_path)}))
    folder = tmp_path / f"connector-{pyspark.__version__}"
    assert str(error.value) == f"no jars of Spark's Kafka connector in {folder}: run `make install`"


def test_the_archive_is_in_the_venv_and_its_name_stays(config: Config, tmp_path: Path) -> None:
    archive = jvm.archive_path(config)

    assert archive.parent == tmp_path / "venv" / "share" / "sf-police"
    assert archive.suffix == ".jsa"
    assert jvm.archive_path(config) == archive


def grow_a_jar(config: Config) -> None:
    jvm.connector_jars(config)[0].write_bytes(b"another jar")


def add_a_jar(config: Config) -> None:
    (config.jars_dir / f"connector-{pyspark.__version__}" / "c.jar").write_bytes(b"jar")


def remove_a_jar(config: Config) -> None:
    jvm.connector_jars(config)[0].unlink()


def rename_a_jar(config: Config) -> None:
    jar = jvm.connector_jars(config)[0]
    jar.rename(jar.with_name("a-2.jar"))


def raise_java(config: Config) -> None:
    assert config.java_home is not None
    (config.java_home / "release").write_text('JAVA_VERSION="17.0.16"\n')


@pytest.mark.parametrize("change", [grow_a_jar, add_a_jar, remove_a_jar, rename_a_jar, raise_java])
def test_the_archives_name_changes_with_what_it_is_of(config: Config, change: Callable[[Config], None]) -> None:
    before = jvm.archive_path(config)
    change(config)

    assert jvm.archive_path(config) != before


def test_another_java_has_another_archive(config: Config, make_java: MakeJava) -> None:
    other = resolve({"java_home": str(make_java(name="another")), "jars_dir": str(config.jars_dir)})

    assert jvm.archive_path(other) != jvm.archive_path(config)


def test_the_archive_is_an_option_once_it_is_there(config: Config) -> None:
    archive = jvm.archive_path(config)
    assert "SharedArchiveFile" not in jvm.java_options(config, records=None)

    archive.parent.mkdir(parents=True)
    archive.touch()
    assert f"-XX:SharedArchiveFile={archive}" in jvm.java_options(config, records=None).split()


@pytest.mark.parametrize(
    ("records", "option"),
    [(0, "-XX:TieredStopAtLevel=1"), (1_000_000, "-XX:TieredStopAtLevel=1"), (1_000_001, "-Xms3g"), (None, "-Xms3g")],
)
def test_java_options_are_just_these(config: Config, records: int | None, option: str) -> None:
    expected = ["-Duser.timezone=UTC", "-XX:+UseParallelGC", option]

    assert jvm.java_options(config, records=records).split() == expected


def test_a_collector_of_the_environments_is_not_contradicted(config: Config) -> None:
    options = jvm.java_options(config, records=0, has_collector=True).split()

    assert options == ["-Duser.timezone=UTC", "-XX:TieredStopAtLevel=1"]


def test_an_archive_in_a_folder_with_a_space_is_one_option(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / 'a "b" c'))
    archive = jvm.archive_path(config)
    archive.parent.mkdir(parents=True)
    archive.touch()

    assert f"-XX:SharedArchiveFile={archive}" in shlex.split(jvm.java_options(config, records=None))
