"""The live view as data, and what is shown of it. Pure: `live.py` keeps it up to date and draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from rich.console import Group, RenderableType
from rich.text import Text

from sf_police.question import WINDOW_END, Question
from sf_police.view.fitted import Column, FittedTable
from sf_police.view.tables import answer_columns
from sf_police.view.terminal import Row, batch_line, printable

if TYPE_CHECKING:  # a table needs no Spark
    from sf_police.store.tables import BatchReport

# From then on the view says that it waits.
_LONG_WAIT_S: Final = 3
_TOTALS: Final = ("read", "counted", "duplicates", "late", "rejected")


@dataclass(frozen=True)
class LiveState:
    """What the live view shows.

    Args:
        topic: its name.
        delay: how far a record may trail the latest event time (the setting WATERMARK).
        windows: the newest rows of `window_answers`, newest first.
        report: the latest batch; None before the first one.
        totals: of this run's batches: read, counted, duplicates, late, rejected.
        clock: the latest event time read.
        watermark: the one that decides what is late in the next batch.
        since_s: when the latest batch was stored, or the run was started, in the seconds of any clock.
        sending: what the producer beside the stream says; blank if there is none.
    """

    topic: str
    delay: timedelta
    windows: Sequence[Row] = ()
    report: BatchReport | None = None
    totals: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_TOTALS, 0))
    clock: datetime | None = None
    watermark: datetime | None = None
    since_s: float = 0.0
    sending: str = ""

    def after(self, report: BatchReport, *, now_s: float) -> LiveState:
        """Return the state after a batch."""
        clock = max(filter(None, (self.clock, report.latest_event_time)), default=None)
        known = (self.watermark, report.batch.watermark, clock and clock - self.delay)
        return replace(
            self,
            report=report,
            totals={name: number + getattr(report.batch, name) for name, number in self.totals.items()},
            clock=clock,
            watermark=max(filter(None, known), default=None),
            since_s=now_s,
        )


def live_view(state: LiveState, question: Question, *, now_s: float) -> RenderableType:
    """Return the newest windows, open or closed, the clocks, the totals of the run, and the latest batch."""
    lines = [f"topic {state.topic}", clocks_line(state), totals_line(state, question), wait_line(state, now_s=now_s)]
    if state.report:
        lines.insert(3, batch_line(state.report))
    if state.sending:
        lines.append(state.sending)
    texts = [Text(printable(line), overflow="fold") for line in lines]
    return Group(windows_table(state, question), *texts) if state.windows else Group(*texts)


def windows_table(state: LiveState, question: Question) -> FittedTable:
    """Return a table of the newest windows; a closed one changes no more, as later records for it are late."""
    columns = answer_columns(state.windows, question)
    marks = ["closed" if _is_closed(row, state.watermark) else "open" for row in state.windows]
    return FittedTable([columns[0], Column("state", marks, rank=1, justify="left"), *columns[1:]])


def _is_closed(row: Row, watermark: datetime | None) -> bool:
    return watermark is not None and row[WINDOW_END] <= watermark


def clocks_line(state: LiveState) -> str:
    """Return how far event time has got, and up to when records are late from now on."""
    clock = _time(state.clock) if state.clock else "none yet"
    return f"latest event {clock}, watermark {_time(state.watermark) if state.watermark else 'none yet'}"


def totals_line(state: LiveState, question: Question) -> str:
    """Return where the records of this run went."""
    totals = state.totals
    return (
        f"this run: {totals['read']:,} read = {totals['counted']:,} {question.label(question.rows)} counted "
        f"+ {totals['duplicates']:,} duplicates + {totals['late']:,} late + {totals['rejected']:,} rejected"
    )


def wait_line(state: LiveState, *, now_s: float) -> str:
    """Return what the stream waits for, and for how long."""
    waited = int(now_s - state.since_s)
    if state.report is None:
        return f"waiting for the first batch ({waited} s)"
    if waited < _LONG_WAIT_S:
        return "running"
    what = "the next batch is running" if state.report.batch.lag else "waiting for new records"
    return f"{what} ({waited} s since the last batch)"


def _time(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S}"
