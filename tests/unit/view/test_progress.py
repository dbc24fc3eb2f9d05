"""How far the sending is, where standard error is no terminal: a line now and then."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from sf_police.produce.producer import Sent
from sf_police.view import progress


class Clock:
    """Seconds that only go on when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def test_there_is_a_line_every_five_seconds_of_what_is_acknowledged(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.sending(200_000) as show:
        for seconds, acknowledged in ((4.75, 1_000), (0.25, 2_000), (0.25, 3_000), (4.5, 4_000), (0.25, 5_000)):
            clock.now += seconds
            show(Sent(sent=199_999, acknowledged=acknowledged))

    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == ["acknowledged 2,000 of 200,000", "acknowledged 5,000 of 200,000"]


def test_where_nobody_knows_how_many_there_are_the_line_says_none(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.sending(None) as show:
        clock.now += 5
        show(Sent(sent=7, acknowledged=7))

    assert capsys.readouterr().err == "acknowledged 7\n"


def test_a_quick_run_prints_nothing(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with progress.sending(10) as show:
        show(Sent(sent=10, acknowledged=10))

    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("completed", "elapsed", "paced", "left"),
    [
        (0, 5.0, None, None),
        (50, 10.0, None, 30.0),
        (200, 10.0, None, 0.0),
        # At a pace the speed so far says little: a night is followed by a day.
        (0, 5.0, 100.0, 95.0),
        (50, 10.0, 100.0, 90.0),
        (199, 130.0, 100.0, 0.0),
    ],
)
def test_the_time_left_is_that_of_the_pace_if_there_is_one(
    completed: float, elapsed: float, paced: float | None, left: float | None
) -> None:
    assert progress.seconds_left(completed=completed, total=200, elapsed=elapsed, seconds=paced) == left


def test_of_an_unknown_number_nobody_knows_the_time_left() -> None:
    assert progress.seconds_left(completed=5, total=None, elapsed=1, seconds=9) is None


def test_the_bar_has_numbers_as_people_write_them(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=100)
    monkeypatch.setattr(progress, "can_draw", lambda: True)
    monkeypatch.setattr(progress, "Console", lambda **_: terminal)

    with progress.sending(199_999, seconds=3600) as show:
        show(Sent(sent=199_999, acknowledged=12_345))

    shown = terminal.file.getvalue()  # type: ignore[attr-defined]
    assert "12,345/199,999" in shown
    assert re.search(r"(1:00:00|0:59:5\d) left", shown)
