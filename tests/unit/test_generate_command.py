"""What `generate` does with a DATA that the user has set: nobody's file is lost."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from sf_police.calls import QUESTION
from sf_police.cli import main
from sf_police.produce import generated_file


def generate(*arguments: str) -> int:
    return main(["generate", "--calls", "10", *arguments])


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert generate(*arguments) in (1, 2)
    [line] = capsys.readouterr().err.splitlines()
    return line.removeprefix("error: ")


def test_a_data_that_is_set_and_missing_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "typo.json"

    code = main(["generate", "--if-missing", "--data", str(missing), "--state-dir", str(tmp_path / "state")])

    assert (code, capsys.readouterr().err) == (
        1, f"error: DATA={missing} does not exist: name a file that does, or leave DATA out\n"
    )  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_without_data_the_calls_are_generated_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["generate", "--if-missing", "--state-dir", str(tmp_path), "--calls", "10"]

    assert [main(command), main(command)] == [0, 0]

    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(f"wrote 10 calls to {tmp_path}/calls.json in ")
    assert second == f"{tmp_path}/calls.json already exists"


def test_a_file_may_be_generated_where_one_says(tmp_path: Path) -> None:
    assert generate("--data", str(tmp_path / "new.json")) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["new.json"]
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((tmp_path / "new.json").stat().st_mode) == 0o666 & ~umask


def test_the_default_file_is_made_again(tmp_path: Path) -> None:
    assert [generate("--state-dir", str(tmp_path)), generate("--state-dir", str(tmp_path), "--seed", "7")] == [0, 0]


def test_a_file_of_the_users_is_kept_unless_forced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "mine.json"
    mine.write_text("years of work")
    mine.chmod(0o600)

    line = refused(capsys, "--data", str(mine))

    assert line == f"{mine} already exists: name another file, or overwrite it with --force"
    assert mine.read_text() == "years of work"
    assert generate("--data", str(mine), "--force") == 0
    assert mine.read_text().startswith("[")
    assert stat.S_IMODE(mine.stat().st_mode) == 0o600


@pytest.mark.parametrize("place", ["calls.json", "elsewhere.json"])
def test_a_link_stays_one_and_its_file_is_kept_unless_forced(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, link = tmp_path / "far away" / "mine.json", tmp_path / place
    mine.parent.mkdir()
    mine.write_text("years of work")
    link.symlink_to(mine)
    where = ("--state-dir", str(tmp_path), *(() if place == "calls.json" else ("--data", str(link))))

    assert "already exists" in refused(capsys, *where)

    assert mine.read_text() == "years of work"
    assert generate(*where, "--force") == 0
    assert link.is_symlink()
    assert mine.read_text().startswith("[")


def test_the_other_name_of_a_file_keeps_its_content(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine.json", tmp_path / "other.json"
    mine.write_text("years of work")
    other.hardlink_to(mine)

    assert generate("--data", str(mine), "--force") == 0
    assert other.read_text() == "years of work"


@pytest.mark.parametrize("force", [(), ("--force",)])
@pytest.mark.parametrize(
    ("kind", "what"),
    [("pipe", "is not a regular file"), ("folder", "is a folder"), ("dangling", "is a link to nothing"),
     ("socket", "is not a regular file")],
)  # fmt: skip
def test_anything_else_than_a_file_is_never_replaced(
    kind: str, what: str, force: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / kind
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":  # stands for a device, which must not be put at risk
        os.mknod(path, stat.S_IFSOCK | 0o600)
    elif kind == "folder":
        path.mkdir()
    elif kind == "dangling":
        path.symlink_to(tmp_path / "nothing")
    before = path.lstat()

    assert refused(capsys, "--data", str(path), *force) == f"{path} {what}: name another file"
    assert (path.lstat().st_ino, path.lstat().st_mode) == (before.st_ino, before.st_mode)


def test_a_neighbour_called_part_is_nobodys_temporary_file(tmp_path: Path) -> None:
    neighbour = tmp_path / "new.json.part"
    neighbour.write_text("mine")

    assert generate("--data", str(tmp_path / "new.json")) == 0
    assert neighbour.read_text() == "mine"


def test_a_file_that_appears_meanwhile_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, pretty = tmp_path / "new.json", generated_file._pretty

    def appears(record: object) -> str:
        path.write_text("mine")
        return pretty(record)  # type: ignore[arg-type]

    monkeypatch.setattr(generated_file, "_pretty", appears)

    assert "already exists" in refused(capsys, "--data", str(path))
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("new.json", "mine")]


@pytest.mark.parametrize("name", ["-", "x.json.gz", "x.json.BZ2", "x.xz", "x.zip", "x.json.zst"])
def test_a_name_that_promises_something_else_is_refused(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    line = refused(capsys, "--data", name)

    assert line.startswith(f"--data {name}: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["generate", "live"])
def test_a_question_without_a_generator_says_so_and_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    code = main([command, "--state-dir", str(tmp_path)], question=replace(QUESTION, generate=None))

    assert (code, capsys.readouterr().err) == (
        1, "error: the question sf_police has no generator: set DATA to a file of yours\n"
    )  # fmt: skip


def test_a_file_that_is_there_needs_no_generator(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "calls.json"
    file.write_text("[]")

    code = main(["generate", "--if-missing", "--data", str(file)], question=replace(QUESTION, generate=None))

    assert (code, capsys.readouterr().err) == (0, f"{file} already exists\n")
