"""Where progress is shown, on standard error: one frame drawn over the one before, or lines."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from rich.console import Console, RenderableType

_SECONDS_BETWEEN_FRAMES: Final = 1.0


def can_draw() -> bool:
    """Return whether standard error is a terminal that a frame can be redrawn on; a console of an IDE often is not."""
    return sys.stderr.isatty() and not Console(stderr=True).is_dumb_terminal


class Canvas:
    """A frame at the end of a terminal's output, redrawn in place.

    rich's own `Live` takes a frame for as many lines as it had when drawn. A terminal that was made narrower since has
    broken them into more, and parts of the old frame would stay.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lines = 0
        self._size = console.size
        self._lock = threading.RLock()

    def has_room(self, frame: RenderableType) -> bool:
        """Return whether a frame fits the terminal."""
        return len(self._lines_of(frame)) < self._console.height

    def draw(self, frame: RenderableType) -> None:
        """Draw a frame in place of the last one; what the terminal has no room for is left out at its top."""
        with self._lock:
            lines = self._lines_of(frame)[-max(self._console.height - 1, 1) :]
            self._write(self._erasure() + "\n".join(lines) + "\n")
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

    def _erasure(self) -> str:
        size, self._size = self._size, self._console.size
        if self._lines and size != self._size:
            return "\x1b[2J\x1b[H"  # nobody knows how the terminal has broken the old lines, so the screen is cleared
        return f"\x1b[{self._lines}F\x1b[J" if self._lines else ""

    def _write(self, text: str) -> None:
        self._console.file.write(text)
        self._console.file.flush()


@contextmanager
def redrawn(canvas: Canvas, frame: Callable[[], RenderableType]) -> Iterator[None]:
    """Draw a frame now and every second, so that its clocks go on, for as long as the context lasts; then remove it."""
    ended = threading.Event()

    def run() -> None:
        with suppress(OSError):  # the terminal is gone
            while not ended.wait(_SECONDS_BETWEEN_FRAMES):
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
