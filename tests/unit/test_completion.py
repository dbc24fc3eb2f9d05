"""The completion's scripts, in the shells that they are for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from examples.taxi_rides import QUESTION as TAXI
from sf_police.cli import main
from sf_police.how_to import in_reach

# What TAB does: the words so far are given to the function that the script has registered for the program.
_TAB = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
found="$(complete -p sf-police)"; name="${found#*-F }"; "${name%% *}" sf-police "${@: -1}" ""
printf '%s\\n' "${COMPREPLY[@]}"
"""


def script(capsys: pytest.CaptureFixture[str], tmp_path: Path, shell: str) -> Path:
    assert main(["completion", shell]) == 0
    file = tmp_path / f"completion.{shell}"
    file.write_text(capsys.readouterr().out)
    return file


@pytest.fixture
def bash_script(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Path:
    return script(capsys, tmp_path, "bash")


def completed(bash_script: Path, *words: str) -> set[str]:
    command = ["bash", "--norc", "-c", _TAB, "tab", str(bash_script), *words]
    done = subprocess.run(command, cwd=bash_script.parent, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["sf-police", "str"], {"stream"}),
        (["sf-police", "re"], {"report", "rejected", "reset"}),
        (["sf-police", "stream", "--dry"], {"--dry-run"}),
        (["sf-police", "stream", "--spark-"],
         {"--spark-master", "--spark-driver-memory", "--spark-ui-port", "--spark-conf"}),
        (["sf-police", "answer", "--format", ""], {"table", "json", "csv"}),
        (["sf-police", "answer", "--by", "cri"], {"crime-type"}),
        (["sf-police", "completion", ""], {"bash", "zsh", "fish"}),
        (["sf-police", "produce", "a-fi"], {"a-file.json"}),
    ],
)  # fmt: skip
def test_tab_in_bash(bash_script: Path, words: list[str], expected: set[str]) -> None:
    (bash_script.parent / "a-file.json").touch()

    assert completed(bash_script, *words) == expected


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_read_their_scripts(capsys: pytest.CaptureFixture[str], tmp_path: Path, shell: str) -> None:
    file = script(capsys, tmp_path, shell)

    assert "max-offsets-per-trigger" in file.read_text()
    if program := shutil.which(shell):
        subprocess.run([program, "-n", str(file)], check=True, timeout=60)


def test_a_question_without_a_program_is_told_which_has_the_same_commands(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["completion", "bash"], question=TAXI, prog="python -m examples.taxi_rides")

    shown = capsys.readouterr()
    assert (code, shown.out, shown.err.count("\n")) == (2, "", 1)
    assert f"{in_reach('`sf-police completion bash`')} completes the same commands" in shown.err


def test_without_the_extra_it_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)

    assert main(["completion", "bash"]) == 1
    assert "install the extra `completion`" in capsys.readouterr().err
