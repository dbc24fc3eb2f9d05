"""The command line: its help at the width of a usual terminal, and errors that name what was typed."""

from __future__ import annotations

import platform
import re
from pathlib import Path

import pyspark
import pytest

from examples.taxi_rides import QUESTION as TAXI
from sf_police import __version__, config
from sf_police.cli import main
from sf_police.view.help import COMMANDS, group_of
from tests.support.environment import SETTINGS

ALL = [name for names in COMMANDS.values() for name in names]


@pytest.fixture(autouse=True)
def usual_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"SF_POLICE_{name}", raising=False)


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_alone_it_prints_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr() == (shown(capsys, "--help"), "")


def test_the_help_has_every_command_in_a_group_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "--help")

    assert set(ALL) <= set(re.findall(r"^  ([a-z][a-z-]+) ", text, re.MULTILINE))
    assert [group for group in COMMANDS if f"\n{group}:\n" not in text] == []
    assert "\nexamples:\n" in text


@pytest.mark.parametrize("command", ["", *ALL])
def test_help_fits_the_terminal_and_is_ascii(capsys: pytest.CaptureFixture[str], command: str) -> None:
    text = shown(capsys, *([command] if command else []), "--help")

    assert [line for line in text.splitlines() if len(line) > 80] == []
    assert text.isascii()


@pytest.mark.parametrize("columns", ["1", "2", "20"])
def test_a_terminal_of_hardly_any_width_breaks_no_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)

    assert "usage:" in shown(capsys, "--help")
    assert "usage:" in shown(capsys, "stream", "--help")
    assert main(["generate", "--calls", "1", "--data", str(tmp_path / "calls.json")]) == 0


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("stream", r"  --max-offsets-per-trigger N\n"),
        ("stream", r"  --until-end +stop once the records in the topic at the start"),
        ("stream", r"  --window LENGTH +length of a window"),
        ("produce", r"  --kafka-bootstrap-servers HOST:PORT\[,\.\.\.\]\n"),
        ("generate", r"  --seed N +random seed"),
        ("stream", r"\nexamples:\n  sf-police stream\n  sf-police stream --until-end\n"),
        ("stream", r"\nthe stream:\n"),
        ("stream", r"^usage: sf-police stream \[OPTION\.\.\.\]\n"),
        ("live", r"^usage: sf-police live \[OPTION\.\.\.\] \[FILE\]\n"),
    ],
)
def test_a_commands_help(capsys: pytest.CaptureFixture[str], command: str, line: str) -> None:
    assert re.search(line, shown(capsys, command, "--help"))


def test_every_setting_has_a_group() -> None:
    assert [field.name for field in config.settings() if group_of(field) == "more settings"] == []


def test_the_examples_are_of_the_questions_own_file_id_and_times(capsys: pytest.CaptureFixture[str]) -> None:
    for command, example in (("produce", "produce rides.json.bz2"), ("trace", "trace RIDE_ID\n")):
        with pytest.raises(SystemExit):
            main([command, "--help"], question=TAXI, prog="taxi")
        assert f"\n  taxi {example}" in capsys.readouterr().out


def versions(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    assert main(["--version"]) == 0
    return dict(line.split(" ", 1) for line in capsys.readouterr().out.splitlines())


def test_the_version_names_what_an_answer_may_depend_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    jar = tmp_path / "jars" / f"connector-{pyspark.__version__}" / "spark-sql-kafka-0-10_2.13-9.8.7.jar"
    jar.parent.mkdir(parents=True)
    jar.touch()
    java = tmp_path / "java"
    (java / "bin").mkdir(parents=True)
    (java / "bin" / "java").touch(0o755)
    (java / "release").write_text('IMPLEMENTOR="x"\nJAVA_VERSION="21.0.2"\n')
    monkeypatch.setenv("SF_POLICE_JARS_DIR", str(tmp_path / "jars"))
    monkeypatch.setenv("JAVA_HOME", str(java))

    assert versions(capsys) == {
        "sf-police": __version__, "Python": platform.python_version(), "pyspark": pyspark.__version__,
        "spark-sql-kafka-0-10": "9.8.7", "Java": f"21.0.2 at {java}",
    }  # fmt: skip


def test_the_version_works_without_java_and_jars_and_whatever_the_settings_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SF_POLICE_JARS_DIR", str(tmp_path))
    monkeypatch.setenv("SF_POLICE_JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("SF_POLICE_WINDOW", "nonsense")

    found = versions(capsys)

    assert found["spark-sql-kafka-0-10"] == f"is not installed in {tmp_path}"
    assert found["Java"] == f"is not in JAVA_HOME={tmp_path}"


@pytest.mark.parametrize(
    ("arguments", "settings", "error"),
    [
        (["--kafka-port", "abc"], {}, "--kafka-port abc: expected a whole number from 1 to 65,000"),
        ([], {"SF_POLICE_KAFKA_PORT": "abc"}, "KAFKA_PORT=abc: expected a whole number from 1 to 65,000"),
        (["--kafka-topic", "a b"], {}, "--kafka-topic a b: expected 1 to 249 of the characters"),
    ],
)
def test_an_error_names_what_was_typed(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: list[str],
    settings: dict[str, str],
    error: str,
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    assert main(["produce", str(tmp_path / "none"), *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"error: {error}")
