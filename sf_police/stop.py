"""Ctrl-C and SIGTERM, as the long-running commands see them."""

from __future__ import annotations

import signal
import threading
from types import FrameType


class Stop:
    """Whether a signal has asked for the end, and which.

    While it `is_awaited`, the command looks at it by itself and ends in order; else it is interrupted where it is.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self.is_awaited = False

    def listen(self) -> None:
        """Hear the signals from now on; a library may have taken them away since."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._handle)
            signal.signal(signal.SIGTERM, self._handle)

    def _handle(self, number: int, _: FrameType | None) -> None:
        self.signal = number
        if not self.is_awaited:
            raise KeyboardInterrupt

    @property
    def exit_code(self) -> int:
        """What a shell expects of a command that the signal ended: 130 or 143."""
        return 128 + (self.signal or signal.SIGINT)

    def is_set(self) -> bool:
        """Whether the end was asked for."""
        return self.signal is not None
