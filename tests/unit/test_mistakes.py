"""The exercises of docs/mistakes without Spark and brokers; docs/mistakes/test_lessons.py runs the lessons."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from docs.mistakes import __main__ as exercise
from docs.mistakes.lesson import HERE, Lesson, Result, lessons
from tests.support.environment import ROOT

NUMBERS = list(range(1, 11))
ALL = pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.folder.name)


def test_there_are_ten() -> None:
    assert [lesson.number for lesson in lessons()] == NUMBERS


@ALL
def test_each_file_is_short(lesson: Lesson) -> None:
    files = {path.name: len(path.read_text().splitlines()) for path in lesson.folder.glob("*.*")}

    assert set(files) == {"README.md", "mistake.py", "exercise.py", "solution.py", "check.py"}
    assert {name: lines for name, lines in files.items() if lines > 60} == {}


@ALL
def test_the_exercise_as_shipped_is_the_mistake_with_the_task(lesson: Lesson) -> None:
    path = lesson.folder / "exercise.py"
    changed = ["git", "-C", str(ROOT), "diff", "--quiet", "HEAD", "--", str(path)]
    if subprocess.run(changed, capture_output=True).returncode == 1:
        pytest.skip(f"you have changed {path}")

    assert without_docstring(path) == without_docstring(path.with_name("mistake.py")), (
        f"{path} is solved: before you commit, put the mistake back"
    )
    assert (ast.get_docstring(ast.parse(path.read_text())) or "").startswith("Your turn: ")


def without_docstring(path: Path) -> str:
    return ast.dump(ast.Module(ast.parse(path.read_text()).body[1:], type_ignores=[]))


@pytest.fixture
def a_lesson(tmp_path: Path) -> Lesson:
    folder = tmp_path / "03-a-mistake"
    folder.mkdir()
    (folder / "check.py").write_text("HINT = 'think'\ndef check(file, bench): return file.answer(bench)\n")
    return Lesson(folder)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def answer(bench):\n    return bench['nothing']\n", "exercise.py, line 2: KeyError: 'nothing'"),
        ("import nothing.at.all\n", "exercise.py, line 1: ModuleNotFoundError: No module named 'nothing'"),
        ("def answer(bench)\n", "exercise.py, line 1: SyntaxError: expected ':'"),
    ],
    ids=["it fails", "an import fails", "it is no Python"],
)
def test_an_exception_of_the_learners_file_is_red_and_says_where(a_lesson: Lesson, code: str, said: str) -> None:
    (a_lesson.folder / "exercise.py").write_text(code)

    result = a_lesson.run("exercise.py", {})  # type: ignore[arg-type]

    assert not result.is_green
    assert result.said.startswith(said)


def test_an_exception_of_the_check_is_none_of_the_learners(a_lesson: Lesson) -> None:
    (a_lesson.folder / "exercise.py").write_text("")

    with pytest.raises(AttributeError):
        a_lesson.run("exercise.py", {})  # type: ignore[arg-type]


def test_a_file_is_read_as_it_is_now(a_lesson: Lesson) -> None:
    seen = []
    for answer in (1, 2):
        (a_lesson.folder / "exercise.py").write_text(f"def answer(bench): return {answer}\n")
        seen.append(a_lesson.run("exercise.py", {}))  # type: ignore[arg-type]

    assert seen == [1, 2]


@pytest.mark.parametrize("number", ["", "0", "11", "three"])
def test_an_unknown_number_is_one_line(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exercise.main([number]) == 2

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"error: N={number}: expected 1 to 10, or all: docs/mistakes/README.md lists them")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("red", "code", "lines"),
    [
        ([3], 1, ["exercise 3: red: lost 2 of 9 calls", "  hint: ", "  edit {}/exercise.py; "]),
        ([], 0, ["exercise 3: green: lost none of 9 calls", "  compare with {}/solution.py"]),
    ],
    ids=["red", "green"],
)
def test_what_is_said(
    red: list[int], code: int, lines: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results(monkeypatch, red)

    assert exercise.main(["3"]) == code
    said, starts = capsys.readouterr(), [line.format("docs/mistakes/03-inner-join") for line in lines]
    assert [line for line, start in zip(said.out.splitlines(), starts, strict=True) if not line.startswith(start)] == []
    assert said.err == ""


def test_all_is_red_if_one_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    results(monkeypatch, [7])

    assert exercise.main(["all"]) == 1
    shown = [line.split(":")[:2] for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")]
    assert shown == [[f"exercise {number}", " red" if number == 7 else " green"] for number in NUMBERS]


def results(monkeypatch: pytest.MonkeyPatch, red: list[int]) -> None:
    def run(lesson: Lesson, file: str, bench: Any) -> Result:
        assert file == "exercise.py"
        is_red = lesson.number in red
        return Result(not is_red, f"lost {'2' if is_red else 'none'} of 9 calls")

    monkeypatch.setattr(Lesson, "run", run)


def test_brokers_with_logins_are_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("KAFKA_CLIENT_PROPERTIES", "client.properties")

    assert exercise.main(["2"]) == 2
    assert capsys.readouterr().err == "error: exercises log in nowhere: leave out KAFKA_CLIENT_PROPERTIES\n"


def test_a_broker_that_cannot_be_started_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(exercise, "subprocess", SimpleNamespace(run=lambda *_, **__: SimpleNamespace(returncode=1)))
    monkeypatch.setattr(Lesson, "run", lambda lesson, file, bench: bench.servers)
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.delenv("SF_POLICE_KAFKA_BOOTSTRAP_SERVERS", raising=False)

    assert exercise.main(["2"]) == 1
    assert capsys.readouterr().err == "error: the local broker could not be started: see the line before\n"


def test_the_list_has_a_row_and_a_link_for_each() -> None:
    rows = [line for line in (HERE / "README.md").read_text().splitlines() if line.startswith("| ")]

    assert [f"({lesson.folder.name}/README.md)" in rows[lesson.number + 1] for lesson in lessons()] == [True] * 10
