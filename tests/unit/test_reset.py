"""`reset` as a user runs it: both are proven to be ours before either is touched."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sf_police.calls import QUESTION
from sf_police.cli import main
from sf_police.store.database import open_database
from sf_police.store.writer import StoreWriter
from sf_police.stream import checkpoint
from sf_police.stream.filesystems import LocalFolder


def adopt(state: Path) -> None:
    """What a stream leaves before its first batch."""
    with closing(open_database(f"sqlite:///{state.absolute() / 'answers.db'}", QUESTION)) as database:
        place = {"checkpoint": f"file://{state.resolve() / 'checkpoint'}"}
        checkpoint.adopt(LocalFolder(state / "checkpoint"), StoreWriter(database), place)


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


def reset(*arguments: str) -> int:
    return main(["reset", *arguments])


def test_both_are_deleted_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    adopt(tmp_path)
    (tmp_path / "calls.json").write_text("[]")

    assert reset("--state-dir", str(tmp_path)) == 0

    assert capsys.readouterr().err == "deleted the checkpoint and the store; the next run starts over\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["calls.json"]


def test_where_nothing_is_nothing_is_deleted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prepared = tmp_path / "prepared"
    prepared.mkdir(mode=0o2770)

    assert reset("--state-dir", str(tmp_path / "none"), "--checkpoint", str(prepared)) == 0

    said = capsys.readouterr().err
    assert said.startswith(f"nothing to delete: there is no checkpoint {prepared}, and the store at sqlite:///")
    assert [path.name for path in tmp_path.iterdir()] == ["prepared"]


def test_what_is_left_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    adopt(tmp_path)
    (tmp_path / "checkpoint" / "notes.txt").write_text("mine")

    assert reset("--state-dir", str(tmp_path)) == 0

    notes = tmp_path / "checkpoint" / "notes.txt"
    assert capsys.readouterr().err == (
        "deleted the checkpoint and the store\n"
        f"left, as this program did not make it: {notes}; move it away, or the next run refuses its place\n"
    )


def test_anybodys_folder_as_the_checkpoint_is_refused_and_the_store_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state, home = tmp_path / "state", tmp_path / "home"
    adopt(state)
    home.mkdir()
    (home / "thesis.tex").write_text("years of work")
    before = everything(tmp_path)

    assert reset("--state-dir", str(state), "--checkpoint", str(home)) == 1

    assert capsys.readouterr().err.count("\n") == 1
    assert everything(tmp_path) == before


def test_anybodys_database_as_the_store_is_refused_and_the_checkpoint_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state"
    adopt(state)
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE notes (text)")
    before = everything(tmp_path)

    assert reset("--state-dir", str(state), "--store", f"sqlite:///{tmp_path / 'other.db'}") == 1

    assert "has tables that this program did not make (notes)" in capsys.readouterr().err
    assert everything(tmp_path) == before


def test_a_damaged_store_and_a_damaged_checkpoint_are_cured(tmp_path: Path) -> None:
    adopt(tmp_path)
    (tmp_path / "checkpoint" / "metadata").write_text("")
    (tmp_path / "answers.db").write_bytes(b"\xff" * 5_000)

    assert reset("--state-dir", str(tmp_path)) == 0
    assert list(tmp_path.iterdir()) == []


def test_one_without_the_other_is_deleted_as_well(tmp_path: Path) -> None:
    adopt(tmp_path)
    (tmp_path / "answers.db").unlink()

    assert reset("--state-dir", str(tmp_path)) == 0
    assert reset("--state-dir", str(tmp_path)) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("other", ["nothing", "another stream's"])
def test_the_store_of_another_checkpoint_is_refused(
    other: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, place = tmp_path / "mine", tmp_path / "two" / "checkpoint"
    adopt(mine)
    if other != "nothing":
        adopt(place.parent)
    before = everything(tmp_path)

    assert reset("--state-dir", str(mine), "--checkpoint", str(place)) == 1

    assert capsys.readouterr().err == (
        f"error: the store at sqlite:///{mine}/answers.db belongs to the checkpoint {mine}/checkpoint, not to {place}: "
        "set CHECKPOINT to that one, or STATE_DIR to another folder (and STORE, if it is set)\n"
    )
    assert everything(tmp_path) == before


def test_a_folder_that_was_moved_is_still_a_streams(tmp_path: Path) -> None:
    adopt(tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "there")

    assert reset("--state-dir", str(tmp_path / "there")) == 0
    assert list(tmp_path.iterdir()) == [tmp_path / "there"]
    assert list((tmp_path / "there").iterdir()) == []


def test_an_older_store_that_names_no_checkpoint_is_deleted_as_before(tmp_path: Path) -> None:
    with closing(open_database(f"sqlite:///{tmp_path / 'answers.db'}", QUESTION)) as database:
        StoreWriter(database).adopt_stream("query", {})

    assert reset("--state-dir", str(tmp_path)) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_store_into_which_a_stream_runs_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    adopt(tmp_path)
    link = tmp_path / "link.db"
    link.symlink_to(tmp_path / "answers.db")

    with closing(open_database(f"sqlite:///{tmp_path / 'answers.db'}", QUESTION)) as database, database.held():
        before = everything(tmp_path)
        for arguments in ((), ("--store", f"sqlite:///{link}")):
            assert reset("--state-dir", str(tmp_path), *arguments) == 1
            assert "a stream is running into the store at sqlite:///" in capsys.readouterr().err
        assert everything(tmp_path) == before
    assert reset("--state-dir", str(tmp_path)) == 0


@pytest.mark.parametrize("place", [".", "/", "//", "..", "file:///", "sub/.."])
def test_a_folder_of_others_by_any_name_is_refused_in_one_line(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home" / "sub").mkdir(parents=True)
    (tmp_path / "home" / "thesis.tex").write_text("years of work")
    monkeypatch.chdir(tmp_path / "home")
    before = everything(tmp_path)

    assert reset("--state-dir", str(tmp_path / "home" / "state"), "--checkpoint", place) == 1

    assert capsys.readouterr().err.count("\n") == 1
    assert everything(tmp_path) == before
