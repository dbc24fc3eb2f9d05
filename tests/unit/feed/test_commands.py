"""What `fetch` and `follow` refuse before they ask anyone, and what they never show."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.taxi_rides import QUESTION as TAXI
from sf_police.cli import main

DAYS = ("--from", "2018-10-02", "--to", "2018-12-31")
# Nobody listens there.
NOWHERE = ("--feed-host", "http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fetch", "--from", "2018-10-02", "--to", "2018-10-01"], "--to 2018-10-01 is before --from 2018-10-02"),
        (
            ["fetch", *DAYS, "--data", "calls.json"],
            "--data calls.json: expected a name that ends in .gz",
        ),
        (["fetch", *DAYS, "--feed", "chicago"], "--feed chicago: expected one of sf-live, sf-closed, sf-historic, "),
        (["fetch", *DAYS, "--feed", "own"], "--feed own: expected one of sf-live"),
        (
            ["fetch", *DAYS, "--feed-host", "http://data.sf.gov"],
            "expected a host such as data.sf.gov, without",
        ),
        (
            ["fetch", *DAYS, "--feed-host", "data.sf.gov/resource"],
            "expected a host such as data.sf.gov, without",
        ),
        (["fetch", *DAYS, "--feed-host", "me:pw@data.sf.gov"], "expected a host such as data.sf.gov, without"),
        (
            ["follow", "--open-after", "48 hours"],
            "--open-after 48 hours: expected less than 48 hours, after ",
        ),
        (["follow", "--open-after", "0 hours"], "--open-after 0 hours: expected at least 1 second"),
        (["follow", "--feed-every", "0 seconds"], "--feed-every 0 seconds: expected at least 1 second"),
        (["follow", "--feed", "Seattle"], "--feed Seattle: expected a name of lower case letters, digits and hyphens"),
    ],
)
def test_what_cannot_be_is_a_usage_error(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--state-dir", str(tmp_path / "state")]) == 2

    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("day", ["2018-13-01", "20181002", "2018-W01-1", "today"])
def test_a_day_is_a_day(day: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["fetch", "--from", day, "--to", "2018-12-31", *NOWHERE])

    assert ended.value.code == 2
    assert f"{day}: expected a day such as 2018-10-02" in capsys.readouterr().err


def test_a_token_that_cannot_be_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fetch", *DAYS, "--feed-token", "my secret\n"]) == 2

    said = capsys.readouterr().err
    assert "FEED_TOKEN=…: expected up to 200 ASCII characters without spaces" in said
    assert "secret" not in said


def test_a_question_without_feeds_has_neither(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["fetch", *DAYS], ["follow"]):
        assert main([*command, "--state-dir", str(tmp_path), *NOWHERE], question=TAXI) == 1
        assert "the question taxi_rides takes no feed of calls: leave FEED out" in capsys.readouterr().err


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "calls.json.gz"
    path.write_bytes(b"mine")

    assert main(["fetch", *DAYS, "--data", str(path), "--state-dir", str(tmp_path), *NOWHERE]) == 1

    assert f"{path} already exists: name another file, or overwrite it with --force" in capsys.readouterr().err
    assert path.read_bytes() == b"mine"
