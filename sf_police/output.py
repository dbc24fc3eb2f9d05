"""Standard output and error that fail in one line: closed, on a full disk, or in an encoding that lacks a character.

Whatever is said to people goes through `say`: as text, or where LOG_FORMAT is json as one object a line.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, TextIO

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


class JsonMessages(io.TextIOBase):
    """Standard error as one JSON object a line, whoever writes to it. No terminal, so nothing is redrawn on it."""

    def __init__(self, under: TextIO) -> None:
        self._under, self._begun, self._lock = under, "", threading.RLock()

    def write(self, text: str) -> int:
        """Make an object of each line that somebody else than `say` writes: Python's warnings, other packages."""
        with self._lock:
            *lines, self._begun = (self._begun + text).split("\n")
            for line in filter(str.strip, lines):
                self.put(line, level="warning")
        return len(text)

    def put(self, message: str, *, level: str, **fields: Any) -> None:
        """Write an object: when (UTC), how grave, what, and the fields."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        document = {"time": now, "level": level, "message": message.removeprefix(f"{level}: "), **fields}
        # ASCII, so that no encoding and no terminal can do harm to it.
        line = json.dumps(document, ensure_ascii=True, default=_plain)
        with self._lock:
            self._under.write(f"{line}\n")
            self._under.flush()

    def flush(self) -> None:
        """Each line is passed on at once; what is no line yet waits for its end."""

    def end(self) -> TextIO:
        """Pass on what was no line yet; return what is underneath."""
        with self._lock:
            if self._begun:
                self.write("\n")
            return self._under


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def say(line: str, *, level: str = "info", **fields: Any) -> None:
    """Say a line to people: on standard error, as data goes to standard output.

    Args:
        line: as text has it, with `warning: ` or `error: ` before it where the level is one.
        level: info, warning or error.
        fields: what JSON has besides, for machines.
    """
    if isinstance(sys.stderr, JsonMessages):
        sys.stderr.put(line, level=level, **fields)
    else:
        print(line, file=sys.stderr, flush=True)


def say_error(error: SfPoliceError, *, is_verbose: bool, worded: Callable[[str], str]) -> None:
    """Say what went wrong, and what to do; if verbose, with the traceback.

    Args:
        error: to be told.
        is_verbose: whether its traceback is shown, too.
        worded: puts what is to be done in the words of how this program was started.
    """
    said = f"error: {worded(str(error))}"
    if isinstance(sys.stderr, JsonMessages):
        more = {"traceback": _traceback(error)} if is_verbose else {}
        said = worded(error.what)
        say(said, level="error", remedy=worded(error.remedy), exit_code=error.exit_code, **more)
        return
    if is_verbose:
        traceback.print_exception(error)
    say(said)


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def messages_in(form: str) -> Callable[[], None]:
    """Let standard error be text, or objects of JSON, from now on; return what undoes that."""
    if form != "json":
        return lambda: None
    hooks = sys.excepthook, threading.excepthook
    messages = JsonMessages(sys.stderr)

    def of_main(_: type[BaseException], error: BaseException, __: TracebackType | None) -> None:
        say(f"{type(error).__name__}: {error}", level="error", traceback=_traceback(error))

    def of_thread(raised: threading.ExceptHookArgs) -> None:
        if raised.exc_value is not None and not isinstance(raised.exc_value, SystemExit):
            name = raised.thread.name if raised.thread else ""
            say(repr(raised.exc_value), level="error", thread=name, traceback=_traceback(raised.exc_value))

    def undo() -> None:
        sys.stderr = messages.end()
        sys.excepthook, threading.excepthook = hooks

    sys.stderr, sys.excepthook, threading.excepthook = messages, of_main, of_thread
    return undo


def listen_to_logging(*, is_verbose: bool) -> None:
    """Let other packages' log go where messages go; failures are said in one line of our own, so only if verbose."""
    logging.basicConfig(
        level=logging.INFO if is_verbose else logging.CRITICAL,
        handlers=[_Records() if isinstance(sys.stderr, JsonMessages) else logging.StreamHandler(sys.stderr)],
    )


class _Records(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Say a record of a log."""
        more = {"traceback": _traceback(record.exc_info[1])} if record.exc_info and record.exc_info[1] else {}
        say(record.getMessage(), level=record.levelname.lower(), logger=record.name, **more)
