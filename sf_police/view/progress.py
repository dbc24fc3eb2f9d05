"""Shows how far sending has got, on standard error: on a terminal a bar, elsewhere a line every few seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from sf_police.produce.producer import Sent

_SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def sending(total: int | None) -> Iterator[Callable[[Sent], None]]:
    """Yield a function that shows how many records are acknowledged, for as long as the context lasts."""
    if sys.stderr.isatty():
        with _bar() as progress:
            task = progress.add_task("acknowledged", total=total)
            yield lambda sent: progress.update(task, completed=sent.acknowledged)
        return
    last = time.monotonic()

    def show(sent: Sent) -> None:
        nonlocal last
        if time.monotonic() - last >= _SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            share = f" of {total:,}" if total is not None else ""
            print(f"acknowledged {sent.acknowledged:,}{share}", file=sys.stderr, flush=True)

    yield show


def _bar() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True))
