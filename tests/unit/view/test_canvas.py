"""Frames on a terminal, byte by byte."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from sf_police.view import canvas
from sf_police.view.canvas import Canvas, can_draw, redrawn


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def a_console(width: int = 20, height: int = 5) -> Console:
    return Console(file=Terminal(), width=width, height=height, force_terminal=True, color_system=None)


def written(console: Console) -> str:
    text = console.file.getvalue()  # type: ignore[attr-defined]
    console.file.seek(0)
    console.file.truncate()
    return str(text)


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
    assert written(console) == "\x1b[2J\x1b[Hnew\n"
    drawn.draw("newer")
    assert written(console) == "\x1b[1F\x1b[Jnewer\n"


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
