"""The live view as data, and what is shown of it. Pure: `live.py` keeps it up to date and draws it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sf_police.question import WINDOW_END, Question, number_of
from sf_police.view.fitted import Column, FittedTable
from sf_police.view.recent import Progress, Recent
from sf_police.view.tables import answer_columns
from sf_police.view.terminal import Row, printable

if TYPE_CHECKING:  # a table needs no Spark
    from sf_police.store.tables import Batch, BatchReport

_TOTALS: Final = ("read", "counted", "duplicates", "late", "rejected")
_SHORTEST_BAR: Final = 8
_LONGEST_BAR: Final = 40


@dataclass(frozen=True)
class LiveState:
    """What the live view shows.

    Args:
        topic: its name.
        delay: how far a record may trail the latest event time (the setting WATERMARK).
        windows: the newest rows of `window_answers`, newest first.
        report: the latest batch of this run; None before the first one.
        totals: of all batches in the store: read, counted, duplicates, late, rejected.
        last_batch_id: of the latest batch in the store; -1 before the first one.
        run_read: records that this run's batches have added to the store's.
        run_batches: their number.
        begins: the sum of the partitions' offsets at which the store's first batch began.
        counted_to: the sum of the partitions' next offsets after the latest batch.
        ends: the sum at which the run ends; None if it goes on.
        clock: the latest event time read by this run.
        watermark: the one that decides what is late in the next batch.
        recent: this run's latest batches.
        began_s: when the run began, in the seconds of any clock.
        since_s: when the latest batch was stored, or the run began.
        sending: what the producer beside the stream has done; blank if there is none.
    """

    topic: str
    delay: timedelta
    windows: Sequence[Row] = ()
    report: BatchReport | None = None
    totals: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(_TOTALS, 0))
    last_batch_id: int = -1
    run_read: int = 0
    run_batches: int = 0
    begins: int = 0
    counted_to: int = 0
    ends: int | None = None
    clock: datetime | None = None
    watermark: datetime | None = None
    recent: Recent = Recent()
    began_s: float = 0.0
    since_s: float = 0.0
    sending: str = ""

    def after(self, report: BatchReport, *, now_s: float) -> LiveState:
        """Return the state after a batch; one that was stored before, and is replayed, adds nothing."""
        batch = report.batch
        clock = max(filter(None, (self.clock, report.latest_event_time)), default=None)
        known = (self.watermark, batch.watermark, clock and clock - self.delay)
        state = replace(
            self,
            report=report,
            clock=clock,
            watermark=max(filter(None, known), default=None),
            counted_to=sum(batch.end_offsets.values()) or self.counted_to,
            since_s=now_s,
        )
        if self.ends is not None:
            # Spark has looked for the end a little later than we did.
            state = replace(state, ends=max(self.ends, state.counted_to + (batch.lag or 0)))
        if batch.batch_id <= self.last_batch_id:
            return state
        return replace(
            state,
            totals={name: number + getattr(batch, name) for name, number in self.totals.items()},
            last_batch_id=batch.batch_id,
            run_read=self.run_read + batch.read,
            run_batches=self.run_batches + 1,
            recent=self.recent.after(records=batch.read, seconds=batch.seconds, now_s=now_s),
        )

    @property
    def lag(self) -> int | None:
        """Records in the topic beyond the latest batch, as of its planning; None if unknown."""
        if self.report is not None and self.report.batch.lag is not None:
            return self.report.batch.lag
        return None if self.ends is None else max(0, self.ends - self.counted_to)

    def progress(self, *, now_s: float) -> Progress | None:
        """Return how far a run with an end is, of all records from the store's first one; None if it has no end."""
        if self.ends is None or self.ends <= self.begins:
            return None
        remaining = max(0, self.ends - self.counted_to)
        seconds = self.recent.seconds_left(remaining)
        if seconds is not None and remaining:
            seconds = max(seconds - (now_s - self.since_s), 1)
        return Progress(self.counted_to - self.begins, self.ends - self.begins, seconds)


def live_view(state: LiveState, question: Question, *, now_s: float) -> RenderableType:
    """Return the newest windows, open or closed, and below them what is known of topic, store, run and batch."""
    facts = Table.grid(padding=(0, 2, 0, 0))
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column(overflow="fold")
    for label, shown in _facts(state, now_s=now_s):
        facts.add_row(label, Text(printable(shown)) if isinstance(shown, str) else shown)
    return Group(windows_table(state, question), facts) if state.windows else facts


def _facts(state: LiveState, *, now_s: float) -> Iterator[tuple[str, RenderableType]]:
    yield "topic", state.topic
    yield "events", clocks_line(state)
    yield "store", totals_line(state)
    yield "this run", run_line(state, now_s=now_s)
    if state.report:
        yield "batch", batch_text(state.report.batch)
        yield "speed", speed_line(state)
    progress = state.progress(now_s=now_s)
    if progress:
        yield "progress", _Bar(progress)
    if state.sending:
        yield "producer", state.sending
    yield "now", wait_line(state, now_s=now_s)


class _Bar:
    """Progress in words, and as a bar where there is room for one."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield words and bar in one line."""
        progress = self._progress
        room = min(options.max_width - cell_len(progress.text) - 2, _LONGEST_BAR)
        if room < _SHORTEST_BAR:
            yield Text(progress.text, overflow="fold")
            return
        line = Table.grid(padding=(0, 2, 0, 0))
        bar = ProgressBar(total=progress.total, completed=progress.done, width=room, complete_style="green")
        line.add_row(progress.text, bar)
        yield line


def windows_table(state: LiveState, question: Question) -> FittedTable:
    """Return a table of the newest windows; a closed one changes no more, as later records for it are late."""
    columns = answer_columns(state.windows, question)
    is_closed = [_is_closed(row, state.watermark) for row in state.windows]
    marks = Column(
        "state",
        ["closed" if closed else "open" for closed in is_closed],
        rank=1,
        justify="left",
        styles=["dim" if closed else "green" for closed in is_closed],
    )
    return FittedTable([columns[0], marks, *columns[1:]])


def _is_closed(row: Row, watermark: datetime | None) -> bool:
    return watermark is not None and row[WINDOW_END] <= watermark


def clocks_line(state: LiveState) -> str:
    """Return how far event time has got, and up to when records are late from now on."""
    clock = _time(state.clock) if state.clock else "none yet"
    if state.watermark is None:
        return f"latest {clock}, watermark none yet"
    # Before an event of this run, only the store tells, which says how far it was when its last batch was planned.
    return f"latest {clock}, watermark {'' if state.clock else 'at least '}{_time(state.watermark)}"


def totals_line(state: LiveState) -> str:
    """Return where the records went, since the store was begun."""
    parts = " + ".join(number_of(state.totals[name], name) for name in _TOTALS[1:])
    return f"{state.totals['read']:,} read = {parts}"


def run_line(state: LiveState, *, now_s: float) -> str:
    """Return what this run has added to the store, and how long it has been at it."""
    elapsed = timedelta(seconds=int(now_s - state.began_s))
    return f"{state.run_read:,} read in {number_of(state.run_batches, 'batches')}, {elapsed} so far"


def batch_text(batch: Batch) -> str:
    """Return what the latest batch was."""
    rows = number_of(batch.read, "rows")
    return f"{batch.batch_id}: {rows} in {batch.seconds:.2f} s, state rows {batch.state_rows or 0:,}"


def speed_line(state: LiveState) -> str:
    """Return how fast the latest batches ran, and how many records are still to be read."""
    marks, rate = len(state.recent.marks), state.recent.rows_per_s
    over = "the last batch" if marks == 1 else f"the last {marks} batches"
    lag = "unknown" if state.lag is None else f"{state.lag:,}"
    return f"{'unknown yet' if rate is None else f'{rate:,.0f} rows/s over {over}'}, lag {lag}"


def wait_line(state: LiveState, *, now_s: float) -> str:
    """Return what the stream waits for, and for how long."""
    waited = int(now_s - state.since_s)
    if state.report is None:
        return f"waiting for the first batch ({waited} s)"
    if state.lag:
        what = f"batch {state.report.batch.batch_id + 1} is next"
    else:
        what = "waiting for new records" if state.ends is None else "at the end, stopping"
    return f"{what} ({waited} s since the last batch)"


def _time(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S}"
