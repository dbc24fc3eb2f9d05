"""Shows the running stream on standard error: on a terminal a table updated in place, elsewhere a line per batch."""

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
_SECONDS_BETWEEN_UPDATES: Final = 0.5

_LATE_WARNING: Final = (
    "warning: some records are late, and late records are not counted. Likely causes: the file was sent newest first "
    "(`make produce` sorts it), partitions chosen by key have drifted apart (use PARTITIONS=1, or let `make produce` "
    "choose them), or records were sent again after the watermark had passed them. A longer WATERMARK accepts more."
)


@contextmanager
def batches(store: StoreReader) -> Iterator[Callable[[BatchReport], None]]:
    """Yield a function that shows a batch, for as long as the context lasts."""
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

    updated = 0.0
    with Live(terminal.live_view([], None, question), console=console, transient=True, auto_refresh=False) as live:

        def show_table(report: BatchReport) -> None:
            nonlocal updated
            warn_once(report)
            # Small batches finish faster than anyone can read.
            if not report.lag or time.monotonic() - updated > _SECONDS_BETWEEN_UPDATES:
                windows = store.newest_windows(_NEWEST_WINDOWS)
                live.update(terminal.live_view(windows, report, question), refresh=True)
                updated = time.monotonic()

        yield show_table
