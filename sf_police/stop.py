"""Ctrl-C and SIGTERM, as the long-running commands see them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stop:
    """Whether a signal has asked for the end, and which.

    While it is awaited, the command looks at it by itself and ends in order; else it is interrupted where it is.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._is_awaited = False

    def listen(self) -> None:
        """Handle the signals from now on; a library may have taken them away since."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._handle)
            signal.signal(signal.SIGTERM, self._handle)

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """Let the command, which asks `is_set`, end by itself in this context."""
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
        """Give what a shell expects of a command that a signal ended: 130 or 143."""
        return 128 + (self.signal or signal.SIGINT)

    def is_set(self) -> bool:
        """Say whether the end was asked for."""
        return self.signal is not None
