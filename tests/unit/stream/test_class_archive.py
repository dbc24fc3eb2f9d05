"""Which archives of classes are deleted, and who makes one. No JVM: what is made is a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sf_police.calls import QUESTION
from sf_police.config import Config
from sf_police.spark import jvm
from sf_police.stream import class_archive
from sf_police.stream.class_archive import create_archive, outdated_archives
from tests.support.question import resolve


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Settings with a Java, jars and a venv of the test's own."""
    monkeypatch.setattr("sys.prefix", str(tmp_path / "venv"))
    return config_with(tmp_path, "jars")


def config_with(tmp_path: Path, jars: str) -> Config:
    connector = tmp_path / jars / f"connector-{jvm.pyspark.__version__}"
    java = tmp_path / "java" / "bin" / "java"
    for path in (connector / "a.jar", java):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    java.chmod(0o755)
    return resolve({"java_home": str(tmp_path / "java"), "jars_dir": str(tmp_path / jars), "state_dir": str(tmp_path)})


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The options of the JVMs that were started, each of which makes the archive that it is told to."""
    options: list[str] = []

    def rehearse(config: Config, question: Any, folder: Path, option: str) -> None:
        options.append(option)
        Path(option.strip('"').partition("=")[2]).write_text("archive")

    monkeypatch.setattr(class_archive, "_rehearse", rehearse)
    return options


def test_it_is_made_once_and_said_beforehand(config: Config, made: list[str]) -> None:
    said: list[str] = []

    for _ in range(2):
        create_archive(config, QUESTION, say=said.append)

    archive = jvm.archive_path(config)
    assert said == ["creating the archive of Spark's classes, which halves Spark's start (once; about a minute)"]
    assert made == [f"-XX:ArchiveClassesAtExit={archive.with_suffix('.part')}"]
    assert {path.name for path in archive.parent.iterdir()} == {archive.name, f"{archive.stem}.json"}


def test_one_of_another_folder_of_jars_stays(config: Config, made: list[str], tmp_path: Path) -> None:
    other = config_with(tmp_path, "other jars")

    for each in (config, other):
        create_archive(each, QUESTION, say=print)

    assert [jvm.archive_path(each).exists() for each in (config, other)] == [True, True]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda jar, java: jar.write_text("larger"), id="a jar is another"),
        pytest.param(lambda jar, java: jar.unlink(), id="a jar is gone"),
        pytest.param(lambda jar, java: (java.parent.parent / "release").write_text("22"), id="the Java is another"),
    ],
)
def test_one_whose_jars_or_java_are_no_more_is_outdated(
    config: Config, made: list[str], tmp_path: Path, change: Callable[[Path, Path], None]
) -> None:
    create_archive(config, QUESTION, say=print)
    archive = jvm.archive_path(config)
    assert outdated_archives(archive.parent) == []

    change(next((tmp_path / "jars").glob("*/a.jar")), tmp_path / "java" / "bin" / "java")

    assert outdated_archives(archive.parent) == [archive]


def test_what_is_not_known_to_be_ours_stays(config: Config, made: list[str]) -> None:
    folder = jvm.archive_path(config).parent
    folder.mkdir(parents=True)
    for name in ("spark-0123456789abcdef.jsa", "theirs.jsa", "theirs.json"):
        (folder / name).write_text(json.dumps({"java": "/none", "jars": []}))

    create_archive(config, QUESTION, say=print)

    assert {"spark-0123456789abcdef.jsa", "theirs.jsa", "theirs.json"} <= {path.name for path in folder.iterdir()}


def test_a_second_process_does_not_make_it_too(config: Config, made: list[str]) -> None:
    lock = jvm.archive_path(config).parent / "lock"
    said: list[str] = []

    with class_archive.locked(lock, "", remedy=""):  # another open file, so it is refused as another process would be
        create_archive(config, QUESTION, say=said.append)

    assert made == []
    assert said == [
        "no archive of Spark's classes yet: another process is creating it; "
        "Spark starts more slowly, but works the same"
    ]
