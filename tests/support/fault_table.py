"""The table of faults at the end of a run: a line for each, with what came of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

TABLE: list[tuple[str, str, float]] = []


@contextmanager
def fault(name: str, outcome: str) -> Iterator[None]:
    """A line of the table, if what is inside holds; the seconds are those inside."""
    started = time.monotonic()
    yield
    TABLE.append((name, outcome, time.monotonic() - started))
