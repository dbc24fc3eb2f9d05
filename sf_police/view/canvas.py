"""Where progress is shown, on standard error: one frame drawn over the one before, or lines."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from rich.console import Console, ConsoleDimensions, RenderableType

_SECONDS_BETWEEN_FRAMES: Final = 1.0
# The terminal is asked for its size again and again, as its signal reaches only the processes in the foreground, and of
# these only the main thread, which waits for Spark.
_SECONDS_BETWEEN_LOOKS: Final = 0.1
# Terminals that know these show what is between them at once; else a frame, read in parts, may be seen half drawn.
_WHOLE: Final = ("\x1b[?2026h", "\x1b[?2026l")


def can_draw() -> bool:
    """Return whether standard error is a terminal that a frame can be redrawn on; a console of an IDE often is not."""
    return sys.stderr.isatty() and not Console(stderr=True).is_dumb_terminal


def undo_interrupted_style() -> None:
    """Let text be plain again after a process that was killed while it drew in a colour."""
    if can_draw():
        sys.stderr.write("\x1b[0m")
        sys.stderr.flush()


class Canvas:
    """A frame at the end of a terminal's output, redrawn in place.

    rich's own `Live` takes a frame for as many lines as it had when drawn. A terminal that was made narrower since has
    broken them into more, and parts of the old frame would stay.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lines = 0
        self._size = _size_of(console)
        self._lock = threading.RLock()

    def excess(self, frame: RenderableType) -> int:
        """Return how many lines of a frame the terminal has no room for; 0 or less if it fits."""
        with self._lock:
            self._console.size = _size_of(self._console)
            return len(self._lines_of(frame)) - self._room

    def is_resized(self) -> bool:
        """Return whether the terminal has another size than when it was drawn on."""
        return _size_of(self._console) != self._size

    def draw(self, frame: RenderableType) -> None:
        """Draw a frame in place of the last one; what the terminal has no room for is left out at its top."""
        with self._lock:
            erasure = self._erasure()  # first, as the lines are made for the size that it finds
            lines = self._lines_of(frame)[-self._room :]
            frame_text = "\n".join(lines)
            self._write(f"{_WHOLE[0]}{erasure}{frame_text}\n{_WHOLE[1]}")
            self._lines = len(lines)

    def print(self, text: str) -> None:
        """Print a line that stays; the next frame follows it."""
        with self._lock:
            self._write(self._erasure())
            self._lines = 0
            self._console.print(text, soft_wrap=True)

    def erase(self) -> None:
        """Remove the frame."""
        with self._lock:
            self._write(self._erasure())
            self._lines = 0

    def _lines_of(self, frame: RenderableType) -> list[str]:
        with self._console.capture() as capture:
            self._console.print(frame)
        return capture.get().rstrip("\n").split("\n")

    @property
    def _room(self) -> int:
        # The cursor is on the line below the frame.
        return max(self._console.height - 1, 1)

    def _erasure(self) -> str:
        before, self._size = self._size, _size_of(self._console)
        self._console.size = self._size
        if self._lines and before != self._size:
            return "\x1b[H\x1b[J"  # nobody knows how the terminal has broken the old lines, so the screen is cleared
        return f"\x1b[{self._lines}F\x1b[J" if self._lines else ""

    def _write(self, text: str) -> None:
        self._console.file.write(text)
        self._console.file.flush()


def _size_of(console: Console) -> ConsoleDimensions:
    # Asked of the terminal itself: COLUMNS and LINES, where a shell exports them, do not follow a resize.
    with suppress(OSError):  # no terminal
        size = os.get_terminal_size(console.file.fileno())
        if size.columns and size.lines:
            return ConsoleDimensions(size.columns, size.lines)
    return console.size


@contextmanager
def redrawn(canvas: Canvas, frame: Callable[[], RenderableType]) -> Iterator[None]:
    """Draw a frame now, every second and after a resize, for as long as the context lasts; then remove it."""
    ended = threading.Event()

    def run() -> None:
        drawn_s = time.monotonic()
        with suppress(OSError):  # the terminal is gone
            while not ended.wait(_SECONDS_BETWEEN_LOOKS):
                if canvas.is_resized() or time.monotonic() - drawn_s >= _SECONDS_BETWEEN_FRAMES:
                    drawn_s = time.monotonic()
                    canvas.draw(frame())

    canvas.draw(frame())
    thread = threading.Thread(target=run, name="frames", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        canvas.erase()
