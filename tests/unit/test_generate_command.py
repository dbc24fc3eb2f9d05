"""What `generate` does with a DATA that the user has set."""

from __future__ import annotations

from pathlib import Path

import pytest

from sf_police.cli import main


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
    assert main(["generate", "--data", str(tmp_path / "new.json"), "--calls", "10"]) == 0
    assert (tmp_path / "new.json").exists()
