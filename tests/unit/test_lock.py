"""The lock of a folder: one process at a time, and free again however that one ends."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sf_police.errors import SfPoliceError
from sf_police.lock import is_held, locked

HOLD = """
import sys
from pathlib import Path
from sf_police.lock import locked
with locked(Path(sys.argv[1]), "taken", remedy="wait"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, which holds the lock until it is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "a.lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_lock_that_another_process_holds_is_refused_until_that_is_killed(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    with (
        pytest.raises(SfPoliceError, match=r"^taken: wait$"),
        locked(tmp_path / "a.lock", "taken", remedy="wait"),
    ):
        pytest.fail("both hold it")

    holder.kill()
    holder.wait()
    with locked(tmp_path / "a.lock", "taken", remedy="wait"):
        pass


def test_a_lock_is_held_once_in_a_process_too_and_given_back(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"

    with (
        locked(path, "taken", remedy="wait"),
        pytest.raises(SfPoliceError, match="^taken: wait$"),
        locked(path, "taken", remedy="wait"),
    ):
        pytest.fail("both hold it")
    with locked(path, "taken", remedy="wait"):
        pass


def test_who_asks_whether_it_is_held_takes_and_creates_nothing(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    assert is_held(tmp_path / "a.lock")
    assert not is_held(tmp_path / "b.lock")

    holder.kill()
    holder.wait()
    assert not is_held(tmp_path / "a.lock")
    assert [path.name for path in tmp_path.iterdir()] == ["a.lock"]


def test_who_asks_at_the_same_moment_is_in_nobodys_way(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with path.open("w") as asking:
        fcntl.flock(asking, fcntl.LOCK_SH)
        answered = threading.Timer(0.2, fcntl.flock, (asking, fcntl.LOCK_UN))
        answered.start()

        with locked(path, "taken", remedy="wait"):
            assert is_held(path)
        answered.join()


def test_locks_of_other_names_do_not_meet(tmp_path: Path) -> None:
    with locked(tmp_path / "a.lock", "taken", remedy="wait"), locked(tmp_path / "b.lock", "taken", remedy="wait"):
        pass


def test_the_folder_is_made(tmp_path: Path) -> None:
    with locked(tmp_path / "new" / "folder" / "a.lock", "taken", remedy="wait"):
        assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == ["a.lock"]


@pytest.mark.parametrize(
    ("folder", "reason"),
    [("file", "a file is in its place"), ("file/folder", "a file is in its way")],
    ids=["a file", "below a file"],
)
def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path, folder: str, reason: str) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SfPoliceError) as error, locked(tmp_path / folder / "a.lock", "taken", remedy="wait"):
        pytest.fail("there is no such folder")
    assert str(error.value) == f"cannot use the folder {tmp_path / folder}: {reason}"


def test_an_error_while_the_lock_is_held_is_not_taken_for_a_lock_that_is_taken(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), locked(tmp_path / "a.lock", "taken", remedy="wait"):
        (tmp_path / "none").read_text()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EIO])
def test_a_file_system_without_locks_is_no_other_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def flock(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(SfPoliceError) as error, locked(tmp_path / "a.lock", "taken", remedy="wait"):
        pytest.fail("it is not locked")
    assert error.value.what == f"cannot lock {tmp_path / 'a.lock'}: {os.strerror(number)}"
    assert error.value.remedy == "set STATE_DIR to a folder on a local disk"


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()

    with locked(tmp_path / "old" / "new" / "folder" / "a.lock", "taken", remedy="wait"):
        pass
    assert [path.name for path in tmp_path.rglob("*")] == ["old"]


def test_what_came_into_the_folder_stays(tmp_path: Path) -> None:
    with locked(tmp_path / "new" / "a.lock", "taken", remedy="wait"):
        (tmp_path / "new" / "data").touch()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["data"]


def test_a_file_of_the_users_with_the_name_of_a_lock_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a.lock").write_text("mine")

    with locked(tmp_path / "a.lock", "taken", remedy="wait"):
        pass
    assert (tmp_path / "a.lock").read_text() == "mine"


def test_who_opened_the_file_before_it_was_deleted_does_not_hold_its_successor_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, flock = tmp_path / "a.lock", fcntl.flock
    first = locked(path, "taken", remedy="wait")
    first.__enter__()

    def late(*arguments: object) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        first.__exit__(None, None, None)  # the file that is about to be locked is deleted here
        flock(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(fcntl, "flock", late)
    with (
        locked(path, "taken", remedy="wait"),
        pytest.raises(SfPoliceError, match="taken"),
        locked(path, "taken", remedy="wait"),
    ):
        pytest.fail("both hold it")
