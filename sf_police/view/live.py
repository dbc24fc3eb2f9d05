"""The stream as it runs: on a terminal a table that changes in place, elsewhere a line per batch. On standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.live import Live

from sf_police.store.answers import StoreReader
from sf_police.store.tables import BatchReport
from sf_police.view import terminal

_NEWEST_WINDOWS: Final = 8
_SECONDS_BETWEEN_LOOKS: Final = 0.5

_LATE_WARNING: Final = (
    "warning: records are late, and late ones are not counted. Likely causes: the file was sent newest first (send it "
    "with `make produce`, which orders it), partitions chosen by key drift apart (PARTITIONS=1, or the producer's own "
    "choice), or records were sent again after the watermark had passed them. A longer WATERMARK lets more of them in."
)


@contextmanager
def batches(store: StoreReader) -> Iterator[Callable[[BatchReport], None]]:
    """Give a function that shows each batch, while the context lasts."""
    question = store.database.question
    console = Console(stderr=True, highlight=False, markup=False)
    has_warned = False

    def warn_once(report: BatchReport) -> None:
        nonlocal has_warned
        if report.batch.late and not has_warned:
            has_warned = True
            console.print(_LATE_WARNING, soft_wrap=True)

    if not sys.stderr.isatty():

        def show_line(report: BatchReport) -> None:
            print(terminal.batch_line(report), file=sys.stderr, flush=True)
            warn_once(report)

        yield show_line
        return

    looked = 0.0
    with Live(terminal.live_view([], None, question), console=console, transient=True, auto_refresh=False) as live:

        def show_table(report: BatchReport) -> None:
            nonlocal looked
            warn_once(report)
            # Small batches come faster than anyone reads.
            if not report.lag or time.monotonic() - looked > _SECONDS_BETWEEN_LOOKS:
                windows = store.newest_windows(_NEWEST_WINDOWS)
                live.update(terminal.live_view(windows, report, question), refresh=True)
                looked = time.monotonic()

        yield show_table
