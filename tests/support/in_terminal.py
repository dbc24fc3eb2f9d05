"""A process in a terminal of a test's own, which the test can read and resize."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence

from tests.support.environment import ROOT
from tests.support.screen import Screen


class Terminal:
    """A pseudo-terminal of a size, and a process whose standard output and error it is."""

    def __init__(
        self, command: Sequence[str], *, columns: int, lines: int, env: Mapping[str, str], reflows: bool = True
    ) -> None:
        self.screen = Screen(columns, lines, reflows=reflows)
        self.text = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._ours, theirs = pty.openpty()
        self._set_size(columns, lines)
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=theirs, stderr=theirs, cwd=ROOT, env=env, start_new_session=True
        )
        os.close(theirs)

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size, and say so to the process, as a terminal does."""
        self._set_size(columns, lines)
        self.screen.resize(columns, lines)
        self.process.send_signal(signal.SIGWINCH)

    def _set_size(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def wait_until(self, holds: Callable[[Screen], bool], *, seconds: float = 30) -> list[str]:
        """Read until the screen is as wanted; return what it shows."""
        deadline = time.monotonic() + seconds
        while not holds(self.screen):
            left = deadline - time.monotonic()
            if left <= 0 or not self._read(left):
                raise AssertionError("\n".join(["the screen shows:", *self.screen.shown]))
        return self.screen.shown

    def read_to_end(self, *, seconds: float = 60) -> int:
        """Read until the process has closed the terminal; return its exit code."""
        deadline = time.monotonic() + seconds
        while self._read(max(0, deadline - time.monotonic())):
            pass
        return self.process.wait(max(0.1, deadline - time.monotonic()))

    def _read(self, seconds: float) -> bool:
        if not select.select([self._ours], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._ours, 1 << 16)
        except OSError:  # the other side is closed
            return False
        text = self._decoder.decode(data).replace("\r\n", "\n")
        self.text += text
        self.screen.feed(text)
        return bool(data)

    def close(self) -> None:
        if self.process.stdin:
            self.process.stdin.close()
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._ours)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]
