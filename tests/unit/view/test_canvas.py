"""Frames on a terminal, byte by byte."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rich.console import Console

from sf_police.view import canvas
from sf_police.view.canvas import Canvas, can_draw, redrawn, undo_interrupted_style
from tests.support.environment import clean_environment
from tests.support.in_terminal import Terminal as RealTerminal
from tests.support.in_terminal import python
from tests.support.waiting import eventually
from tests.unit.view.test_live_table import a_full_view
from tests.unit.view.test_tables import drawn as as_text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def a_console(width: int = 20, height: int = 5) -> Console:
    return Console(file=Terminal(), width=width, height=height, force_terminal=True, color_system=None)


def written(console: Console) -> str:
    """What was written since it was last asked, without the marks around each frame."""
    text = str(console.file.getvalue())  # type: ignore[attr-defined]
    console.file.seek(0)
    console.file.truncate()
    return text.replace("\x1b[?2026h", "").replace("\x1b[?2026l", "")


def test_a_frame_is_shown_at_once() -> None:
    console = a_console()
    Canvas(console).draw("frame")

    assert console.file.getvalue() == "\x1b[?2026hframe\n\x1b[?2026l"  # type: ignore[attr-defined]


def test_a_frame_is_drawn_over_the_one_before_and_erased() -> None:
    console = a_console()
    drawn = Canvas(console)

    drawn.draw("one\ntwo")
    assert written(console) == "one\ntwo\n"
    drawn.draw("three")
    assert written(console) == "\x1b[2F\x1b[Jthree\n"
    drawn.erase()
    assert written(console) == "\x1b[1F\x1b[J"
    drawn.erase()
    assert written(console) == ""


def test_a_line_that_stays_is_above_the_next_frame() -> None:
    console = a_console()
    drawn = Canvas(console)
    drawn.draw("frame")
    drawn.print("a warning that is longer than the terminal is wide")
    drawn.draw("frame")

    assert written(console) == ("frame\n\x1b[1F\x1b[Ja warning that is longer than the terminal is wide\nframe\n")


def test_a_frame_that_is_too_high_keeps_its_end() -> None:
    console = a_console(height=3)

    Canvas(console).draw("1\n2\n3\n4")

    assert written(console) == "3\n4\n"


def test_after_a_resize_nothing_of_the_old_frame_stays() -> None:
    console = a_console(width=20)
    drawn = Canvas(console)
    drawn.draw("x" * 20)
    written(console)

    console.width = 10
    drawn.draw("new")
    assert written(console) == "\x1b[H\x1b[Jnew\n"
    drawn.draw("newer")
    assert written(console) == "\x1b[1F\x1b[Jnewer\n"


def test_a_resize_is_followed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canvas, "_SECONDS_BETWEEN_FRAMES", 1_000)
    console = a_console(width=20)

    with redrawn(Canvas(console), lambda: "frame"):
        written(console)
        console.width = 10

        def is_redrawn() -> None:
            assert "frame" in console.file.getvalue()  # type: ignore[attr-defined]

        eventually(is_redrawn, AssertionError, seconds=10)


def test_a_frame_is_drawn_again_every_second_although_nothing_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canvas, "_SECONDS_BETWEEN_FRAMES", 0.2)
    frames = iter(range(1_000))
    console = a_console()

    def has_ticked() -> None:
        assert "2\n" in console.file.getvalue()  # type: ignore[attr-defined]

    with redrawn(Canvas(console), lambda: str(next(frames))):
        eventually(has_ticked, AssertionError, seconds=10)


def test_what_has_no_room_is_known_before_it_is_drawn() -> None:
    drawn = Canvas(a_console(height=3))

    assert [drawn.excess("\n".join("x" * lines)) for lines in (1, 2, 3, 5)] == [-1, 0, 1, 3]


IN_A_TERMINAL = """
import sys
from rich.console import Console
from sf_police.view.canvas import Canvas, redrawn
from tests.unit.view.test_live_table import a_full_view

print("a line before", flush=True)
with redrawn(Canvas(Console(stderr=True, highlight=False, markup=False)), a_full_view):
    sys.stdin.read()
print("a line after", flush=True)
"""


@pytest.fixture
def in_terminal() -> Iterator[Callable[..., RealTerminal]]:
    made: list[RealTerminal] = []

    def start(**options: Any) -> RealTerminal:
        # As some shells export them; they would not follow a resize.
        env = clean_environment(TERM="xterm-256color", NO_COLOR="1", LC_ALL="C.UTF-8", COLUMNS="99", LINES="9")
        made.append(RealTerminal(python(IN_A_TERMINAL), env=env, **options))
        return made[-1]

    yield start
    for each in made:
        each.close()


def frame(columns: int, lines: int) -> list[str]:
    return [line.rstrip() for line in as_text(a_full_view(), columns).splitlines()[-(lines - 1) :]]


@pytest.mark.parametrize("reflows", [True, False])
def test_a_terminal_that_is_resized_shows_the_frame_whole_and_nothing_else(
    in_terminal: Callable[..., RealTerminal], reflows: bool
) -> None:
    terminal = in_terminal(columns=120, lines=40, reflows=reflows)
    assert terminal.wait_until(lambda screen: screen.shown[1:] == frame(120, 40))[0] == "a line before"

    for columns, lines in ((60, 40), (80, 24), (200, 50), (40, 12), (120, 40)):
        terminal.resize(columns, lines)
        assert terminal.wait_until(lambda screen: screen.shown == frame(screen.columns, screen.lines))

    assert terminal.process.stdin is not None
    terminal.process.stdin.close()
    assert terminal.read_to_end() == 0
    assert terminal.screen.shown == ["a line after"]


def test_a_killed_processes_colour_is_undone_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    undo_interrupted_style()
    assert capsys.readouterr().err == ""

    monkeypatch.setattr(canvas, "can_draw", lambda: True)
    undo_interrupted_style()
    assert capsys.readouterr().err == "\x1b[0m"


def test_the_last_frame_is_removed_when_the_context_ends_even_by_an_error() -> None:
    console = a_console()
    with pytest.raises(KeyboardInterrupt), redrawn(Canvas(console), lambda: "frame"):
        raise KeyboardInterrupt

    assert written(console) == "frame\n\x1b[1F\x1b[J"


@pytest.mark.parametrize(("term", "draws"), [("xterm-256color", True), ("dumb", False), ("unknown", False)])
def test_only_a_terminal_that_can_move_its_cursor_is_drawn_on(
    monkeypatch: pytest.MonkeyPatch, term: str, draws: bool
) -> None:
    monkeypatch.setattr(canvas.sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", term)

    assert can_draw() is draws


def test_a_pipe_is_not_drawn_on() -> None:
    assert not can_draw()
