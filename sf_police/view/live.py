"""Shows the running stream on standard error: on a terminal a table updated in place, elsewhere a line per batch."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console, RenderableType

from sf_police import output
from sf_police.checks import duration_s
from sf_police.config import Config
from sf_police.errors import LostStoreError
from sf_police.how_to import in_reach
from sf_police.question import WINDOW_START
from sf_police.store.answers import StoreReader
from sf_police.store.tables import BatchReport
from sf_police.view import terminal
from sf_police.view.canvas import Canvas, can_draw, redrawn
from sf_police.view.live_table import LiveState, live_view

if TYPE_CHECKING:
    from sf_police.topic.admin import Topic

# More than most screens have room for.
_MOST_WINDOWS: Final = 24
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
        self._has_warned = False
        self._read_s = 0.0
        self._sending_s = time.monotonic()

    @property
    def counted_to(self) -> int:
        """The sum of the partitions' next offsets after the latest stored batch."""
        return self._state.counted_to

    def __call__(self, report: BatchReport) -> None:
        """Show a stored batch."""
        now_s = time.monotonic()
        # Small batches finish faster than anyone can read.
        is_read = self._canvas is not None and (not report.batch.lag or now_s - self._read_s > _SECONDS_BETWEEN_READS)
        with self._lock:
            self._state = self._state.after(report, now_s=now_s)
            if is_read:
                self._state = replace(self._state, windows=self._newest_windows())
                self._read_s = time.monotonic()
        if self._canvas is None:
            progress = self._state.progress(now_s=now_s)
            line = terminal.batch_line(report) + (f"; {progress.text}" if progress else "")
            self.say(line, **terminal.batch_fields(report))
        if report.batch.late and not self._has_warned:
            self._has_warned = True
            self.say(in_reach(_LATE_WARNING), level="warning")
        if self._canvas and is_read:
            self._canvas.draw(self.frame())

    def _newest_windows(self) -> Sequence[Mapping[str, Any]]:
        try:
            return self._store.newest_windows(_MOST_WINDOWS)
        except LostStoreError:
            return self._state.windows  # as of the batch before; the next one waits for the store, and says so

    def sending(self, text: str) -> None:
        """Show what the producer beside the stream has done."""
        with self._lock:
            self._state = replace(self._state, sending=text)
        if self._canvas is None and time.monotonic() - self._sending_s >= _SECONDS_BETWEEN_SENDING_LINES:
            self._sending_s = time.monotonic()
            self.say(f"producer: {text}")

    def say(self, line: str, *, level: str = "info", **fields: Any) -> None:
        """Say a line that stays; the rest as in `output.say`."""
        if self._canvas:
            self._canvas.print(line)
        else:
            output.say(line, level=level, **fields)

    def frame(self) -> RenderableType:
        """Return what there is to see now, with as many windows as the screen has room for."""
        state, question, now_s = self._state, self._store.database.question, time.monotonic()
        view = live_view(state, question, now_s=now_s)
        while self._canvas and state.windows and (excess := self._canvas.excess(view)) > 0:
            state = replace(state, windows=state.windows[: max(0, len(state.windows) - excess)])
            view = live_view(state, question, now_s=now_s)
        return view


@contextmanager
def batches(store: StoreReader, config: Config, topic: Topic) -> Iterator[LiveShow]:
    """Yield what shows the batches, for as long as the context lasts; `topic` is as it is now."""
    canvas = Canvas(Console(stderr=True, highlight=False, markup=False)) if can_draw() else None
    show = LiveShow(store, initial_state(store, config, topic, now_s=time.monotonic()), canvas)
    with redrawn(canvas, show.frame) if canvas else nullcontext():
        yield show


def initial_state(store: StoreReader, config: Config, topic: Topic, *, now_s: float) -> LiveState:
    """Return what there is to see before the first batch of a run: what the store already has."""
    end = sum(partition.next_offset for partition in topic.partitions)
    begin = end if config.starting_offsets == "latest" else end - topic.records
    state = LiveState(
        config.kafka_topic,
        timedelta(seconds=duration_s(config.watermark)),
        begins=begin,
        counted_to=begin,
        ends=end if config.until_end else None,
        began_s=now_s,
        since_s=now_s,
    )
    if store.is_empty():
        return state
    [last] = store.last_batches(1)
    sums, counted_to, windows = store.batch_sums(), sum(last.end_offsets.values()), store.newest_windows(_MOST_WINDOWS)
    # An event of the newest window has been read since the last batch was planned.
    known = (last.watermark, windows[0][WINDOW_START] - state.delay if windows else None)
    return replace(
        state,
        windows=windows,
        begins=counted_to - sums.pop("offsets"),
        counted_to=counted_to,
        last_batch_id=last.batch_id,
        totals=sums,
        watermark=max(filter(None, known), default=None),
    )
