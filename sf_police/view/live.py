"""Shows the running stream on standard error: on a terminal a table updated in place, elsewhere a line per batch."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import Final

from rich.console import Console, RenderableType

from sf_police.checks import duration_s
from sf_police.config import Config
from sf_police.how_to import in_reach
from sf_police.store.answers import StoreReader
from sf_police.store.tables import BatchReport
from sf_police.view import terminal
from sf_police.view.canvas import Canvas, can_draw, redrawn
from sf_police.view.live_table import LiveState, live_view

_MOST_WINDOWS: Final = 8
_SECONDS_BETWEEN_READS: Final = 0.5
_SECONDS_BETWEEN_SENDING_LINES: Final = 10.0

_LATE_WARNING: Final = (
    "warning: some records are late, and late records are not counted. Likely causes: the file was sent newest first "
    "(`make produce` sorts it), partitions chosen by key have drifted apart (use PARTITIONS=1, or let `make produce` "
    "choose them), or records were sent again after the watermark had passed them. A longer WATERMARK accepts more."
)


class LiveShow:
    """Shows batches as they are stored; a call of the object is one batch."""

    def __init__(self, store: StoreReader, state: LiveState, canvas: Canvas | None) -> None:
        self._store, self._state, self._canvas = store, state, canvas
        # Batches come from Spark's thread, and lines from the producer's.
        self._lock = threading.Lock()
        last = None if store.is_empty() else store.last_batches(1)[0]
        self._counted_to = sum(last.end_offsets.values()) if last else 0
        self._has_warned = False
        self._read_s = 0.0
        self._sending_s = time.monotonic()

    @property
    def counted_to(self) -> int:
        """The sum of the partitions' next offsets after the latest stored batch."""
        return self._counted_to

    def __call__(self, report: BatchReport) -> None:
        """Show a stored batch."""
        now_s = time.monotonic()
        # Small batches finish faster than anyone can read.
        is_read = self._canvas is not None and (not report.batch.lag or now_s - self._read_s > _SECONDS_BETWEEN_READS)
        with self._lock:
            self._state = self._state.after(report, now_s=now_s)
            self._counted_to = sum(report.batch.end_offsets.values()) or self._counted_to
            if is_read:
                self._state = replace(self._state, windows=self._store.newest_windows(_MOST_WINDOWS))
                self._read_s = time.monotonic()
        if self._canvas is None:
            self.say(terminal.batch_line(report))
        if report.batch.late and not self._has_warned:
            self._has_warned = True
            self.say(in_reach(_LATE_WARNING))
        if self._canvas and is_read:
            self._canvas.draw(self.frame())

    def sending(self, line: str) -> None:
        """Show what the producer beside the stream says."""
        with self._lock:
            self._state = replace(self._state, sending=line)
        if self._canvas is None and time.monotonic() - self._sending_s >= _SECONDS_BETWEEN_SENDING_LINES:
            self._sending_s = time.monotonic()
            self.say(line)

    def say(self, line: str) -> None:
        """Print a line that stays."""
        if self._canvas:
            self._canvas.print(line)
        else:
            print(line, file=sys.stderr, flush=True)

    def frame(self) -> RenderableType:
        """Return what there is to see now, with as many windows as the screen has room for."""
        state, question = self._state, self._store.database.question
        view = live_view(state, question, now_s=time.monotonic())
        while self._canvas and len(state.windows) > 1 and not self._canvas.has_room(view):
            state = replace(state, windows=state.windows[:-1])
            view = live_view(state, question, now_s=time.monotonic())
        return view


@contextmanager
def batches(store: StoreReader, config: Config) -> Iterator[LiveShow]:
    """Yield what shows the batches, for as long as the context lasts."""
    delay = timedelta(seconds=duration_s(config.watermark))
    state = LiveState(config.kafka_topic, delay, since_s=time.monotonic())
    canvas = Canvas(Console(stderr=True, highlight=False, markup=False)) if can_draw() else None
    show = LiveShow(store, state, canvas)
    with redrawn(canvas, show.frame) if canvas else nullcontext():
        yield show
