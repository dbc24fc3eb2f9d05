"""Ctrl-C and SIGTERM, as long-running commands see them. How a command ends is up to the command."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stop:
    """Whether a signal has asked the command to end, and which signal.

    Within `awaited()` the command checks `is_set()` and ends in an orderly way; elsewhere it is interrupted at once.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._is_awaited = False

    def listen(self) -> None:
        """Handle the signals from now on; to be repeated if a library has replaced the handlers."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._handle)
            signal.signal(signal.SIGTERM, self._handle)

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """Let the command end by itself in this context, by checking `is_set()`."""
        self._is_awaited = True
        try:
            yield
        finally:
            self._is_awaited = False

    def _handle(self, number: int, _: FrameType | None) -> None:
        self.signal = number
        if not self._is_awaited:
            raise KeyboardInterrupt

    @property
    def exit_code(self) -> int:
        """The exit code that a shell expects from a command ended by a signal: 130 or 143."""
        return 128 + (self.signal or signal.SIGINT)

    def is_set(self) -> bool:
        """Return whether a signal has asked the command to end."""
        return self.signal is not None
