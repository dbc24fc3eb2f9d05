"""Standard output and error that fail in one line: closed, on a full disk, or in an encoding that lacks a character."""

from __future__ import annotations

import io
import os
import sys
from typing import Final, TextIO

from sf_police.errors import SfPoliceError

_INPUT, _OUTPUT, _ERROR = 0, 1, 2
_OPEN_MODES: Final = {_INPUT: os.O_RDONLY, _OUTPUT: os.O_WRONLY, _ERROR: os.O_WRONLY}


class OutputError(SfPoliceError):
    """Standard output cannot be written. What is printed after this error is dropped."""


def settle_streams() -> None:
    """Make the standard streams safe to print to; to be called first, before any file is opened.

    A stream that was closed is opened on nothing. Otherwise the next file to be opened, a database say, would get its
    number, and what is printed would be written into that file.
    """
    closed = {number for number in _OPEN_MODES if _is_closed(number)}
    for number in sorted(closed):
        os.open(os.devnull, _OPEN_MODES[number])  # takes the lowest number that is free: this one
    reason = "it is closed" if _OUTPUT in closed else ""
    sys.stdout = _text(_Output(reason), like=sys.stdout)
    sys.stderr = _text(_Messages(_ERROR, "wb", closefd=False), like=sys.stderr)


def _is_closed(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return True
    return False


def _text(raw: io.FileIO, *, like: TextIO | None) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=getattr(like, "encoding", None) or "utf-8",
        # What the terminal's encoding lacks is shown as \xe9, rather than as a traceback.
        errors="backslashreplace",
        line_buffering=raw.fileno() == _ERROR or raw.isatty(),
    )


class _Output(io.FileIO):
    def __init__(self, reason: str) -> None:
        super().__init__(_OUTPUT, "wb", closefd=False)
        self._reason = reason

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        try:
            if self._reason:
                raise OSError(0, self._reason)
            return super().write(data)
        except BrokenPipeError:
            _drop(_OUTPUT)
            raise
        except OSError as error:
            _drop(_OUTPUT)
            self._reason = ""
            raise OutputError(f"cannot write to standard output: {error.strerror}") from error


class _Messages(io.FileIO):
    """What is said on the way, on standard error. It is no reason to stop that nobody can read it."""

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        try:
            return super().write(data)
        except BrokenPipeError:
            _drop(_ERROR)
            raise
        except OSError:
            return len(data)


def drop_output() -> None:
    """Let standard output lead nowhere, so that Python does not fail again as it ends."""
    _drop(_OUTPUT)


def _drop(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
