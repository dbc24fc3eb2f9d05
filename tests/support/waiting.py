"""Waits by asking the thing itself, with a bound."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(action: Callable[[], T], *errors: type[Exception], seconds: float = 60) -> T:
    """Result of the action, which may fail with these errors for some time."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return action()
        except errors:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def wait_for_line(process: subprocess.Popen[str], *texts: str) -> str:
    """The first line on standard error that has one of these texts; fails when the process says no more."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        if any(text in line for text in texts):
            return line
        said.append(line)
    raise AssertionError(f"the process ended without a line with {texts}:\n{''.join(said)}")
