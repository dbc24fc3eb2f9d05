"""Shows how far sending has got, on standard error: on a terminal a bar, elsewhere a line every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from sf_police.output import say
from sf_police.produce.producer import Sent
from sf_police.view.canvas import can_draw

_SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def sending(total: int | None, *, seconds: float | None = None) -> Iterator[Callable[[Sent], None]]:
    """Yield a function that shows how many records are acknowledged, for as long as the context lasts.

    Args:
        total: records to send; None: unknown.
        seconds: how long it takes at the pace asked for; None: as fast as it goes, so judged by the speed so far.
    """
    with counting("acknowledged", total, seconds=seconds) as show:
        yield lambda sent: show(sent.acknowledged)


@contextmanager
def counting(what: str, total: int | None, *, seconds: float | None = None) -> Iterator[Callable[[int], None]]:
    """Yield a function that shows how many there are so far, for as long as the context lasts.

    Args:
        what: they are, as a participle.
        total: how many there will be.
        seconds: as `sending` has it.
    """
    if can_draw():
        with _bar(seconds) as progress:
            task = progress.add_task(what, total=total)
            yield lambda count: progress.update(task, completed=count)
        return
    last = time.monotonic()

    def show(count: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            say(_count_line(what, count, total), done=count, total=total)

    yield show


def acknowledged_line(acknowledged: int, total: int | None) -> str:
    """Return how many records are acknowledged, of how many."""
    return _count_line("acknowledged", acknowledged, total)


def _count_line(what: str, count: int, total: int | None) -> str:
    return f"{what} {count:,}" + (f" of {total:,}" if total is not None else "")


class _Counted(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Return `1,000/199,999`."""
        total = "?" if task.total is None else f"{task.total:,.0f}"
        return Text(f"{task.completed:,.0f}/{total}", style="progress.download")


class _Left(ProgressColumn):
    def __init__(self, seconds: float | None) -> None:
        super().__init__()
        self._seconds = seconds

    def render(self, task: Task) -> Text:
        """Return the time left."""
        left = seconds_left(
            completed=task.completed, total=task.total, elapsed=task.elapsed or 0, seconds=self._seconds
        )
        return Text("-:--:-- left" if left is None else f"{timedelta(seconds=round(left))} left")


def seconds_left(*, completed: float, total: float | None, elapsed: float, seconds: float | None) -> float | None:
    """Return the seconds left; None if they cannot be told yet.

    Args:
        completed: records acknowledged.
        total: records to send; None: unknown.
        elapsed: seconds since the start.
        seconds: how long all takes at the pace asked for; calls are not spread evenly over time, so the speed so far
            would say too little at night and too much by day.
    """
    if total is None:
        return None
    if completed >= total:
        return 0.0
    by_speed = (total - completed) * elapsed / completed if completed else None
    if seconds is None:
        return by_speed
    return max(seconds - elapsed, 0.0)


def _bar(seconds: float | None) -> Progress:
    columns = (
        TextColumn("{task.description}"), BarColumn(), _Counted(), TimeElapsedColumn(), _Left(seconds),
    )  # fmt: skip
    return Progress(*columns, console=Console(stderr=True))
