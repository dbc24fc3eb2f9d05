"""Waits by asking the thing itself, with a bound."""

from __future__ import annotations

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
