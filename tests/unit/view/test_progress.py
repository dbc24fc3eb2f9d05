"""How far the sending is, where standard error is no terminal: a line now and then."""

from __future__ import annotations

import pytest

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
