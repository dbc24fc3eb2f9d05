"""What others may know of the streaming query, as it tells them: whether it runs, has ended or has failed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

# A JVM that collects garbage for that long does not get on any more; nor does one that was stopped.
LONGEST_SILENCE_S: Final = 60.0


class QueryState:
    """Written by the thread that runs the query, read by any."""

    def __init__(self) -> None:
        self.phase: Literal["starting", "running", "ended", "failed"] = "starting"
        self.error = ""
        self.has_stored = False  # a micro-batch, since the start
        self._heard_s = time.monotonic()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Note how the query ends, which runs in this context."""
        try:
            yield
        except BaseException as error:
            self.error, self.phase = (str(error) or type(error).__name__).splitlines()[0], "failed"
            raise
        self.phase = "ended"

    def hear(self) -> None:
        """Note that Spark has said the query is active."""
        self._heard_s, self.phase = time.monotonic(), "running"

    @property
    def silent_s(self) -> float:
        """Seconds since Spark has said so; 0 unless it should have."""
        return time.monotonic() - self._heard_s if self.phase == "running" else 0.0
