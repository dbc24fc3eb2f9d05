"""Ctrl-C, SIGTERM and SIGHUP, as long-running commands see them. How a command ends is up to the command."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_AGAIN_S: Final = 0.05


class _Hold:
    """Whether interrupts are to wait, and whether one does. One for the process, as its signals are."""

    def __init__(self) -> None:
        self.depth = 0
        self.is_due = False


_HOLD: Final = _Hold()


@contextmanager
def held() -> Iterator[None]:
    """Let an interrupt wait for the end of this context, so that a process just started is known before it comes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _HOLD.depth += 1
    try:
        yield
    finally:
        _HOLD.depth -= 1
        if _HOLD.is_due and not _HOLD.depth:
            _HOLD.is_due = False
            raise KeyboardInterrupt


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
            if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # which nohup has set
                signal.signal(signal.SIGHUP, self._handle)

    def insist(self) -> None:
        """Repeat an interrupt that came where Python ignores exceptions, as in the callback of a weak reference."""
        before = sys.unraisablehook

        def repeat(unraisable: sys.UnraisableHookArgs) -> None:
            if not isinstance(unraisable.exc_value, KeyboardInterrupt) or self.signal is None:
                before(unraisable)
                return
            again = threading.Timer(_AGAIN_S, os.kill, (os.getpid(), self.signal))
            again.daemon = True
            again.start()

        sys.unraisablehook = repeat

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
        if self._is_awaited:
            return
        if _HOLD.depth:
            _HOLD.is_due = True
            return
        raise KeyboardInterrupt

    @property
    def exit_code(self) -> int:
        """The exit code that a shell expects from a command ended by a signal: 129, 130 or 143."""
        return 128 + (self.signal or signal.SIGINT)

    def is_set(self) -> bool:
        """Return whether a signal has asked the command to end."""
        return self.signal is not None
