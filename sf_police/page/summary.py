"""Every window in short: its records and its kinds, read week by week, the newest first.

A store may hold millions of counts, and a page must not wait for them: what is read so far is shown, and the rest
follows. A commit reads again only the weeks that it can have changed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain, count
from typing import Final, NamedTuple

from sf_police.store.spans import SpanReader

WEEK: Final = timedelta(days=7)
# Before and after every window.
BEGINNING: Final = datetime(1, 1, 1)
END_OF_TIME: Final = datetime(9999, 12, 31)
MONDAY: Final = datetime(1970, 1, 5)


class Window(NamedTuple):
    """A window in short.

    Args:
        start: wall clock.
        rows: records counted in it.
        kinds: distinct kinds among them (the question's spread).
    """

    start: datetime
    rows: int
    kinds: int


class Week(NamedTuple):
    """A week's windows in short, and how many of their records ended in each outcome."""

    start: datetime
    windows: tuple[Window, ...]
    outcomes: Mapping[str, int]


class Summary:
    """Every window of a store in short, and each week's outcomes, as far as they are read."""

    def __init__(self, reader: SpanReader) -> None:
        self._reader = reader
        self._weeks: dict[datetime, Week] = {}
        self._unread = END_OF_TIME  # windows from then on are read; BEGINNING: all are

    @property
    def is_whole(self) -> bool:
        """Whether every window is read."""
        return self._unread == BEGINNING

    @property
    def span(self) -> tuple[datetime | None, datetime | None]:
        """The starts of the first and the last window that are read; None twice while there is none."""
        weeks = self._weeks
        return (weeks[min(weeks)].windows[0].start, weeks[max(weeks)].windows[-1].start) if weeks else (None, None)

    def weeks(self, since: datetime = BEGINNING, until: datetime = END_OF_TIME) -> list[Week]:
        """Return the weeks that are read and overlap the span, in time order."""
        weeks = self._weeks  # replaced, never changed, by the thread that reads
        return [weeks[start] for start in sorted(weeks) if start < until and start + WEEK > since]

    def windows(self, since: datetime = BEGINNING, until: datetime = END_OF_TIME) -> list[Window]:
        """Return the windows that are read and start in the span, in time order; `until` is exclusive."""
        return [window for week in self.weeks(since, until) for window in week.windows if since <= window.start < until]

    def read_older(self) -> None:
        """Read the newest week that is not read yet, if there is one."""
        if not self.is_whole:
            newest = self._reader.newest_start(before=self._unread)
            self._unread = BEGINNING if newest is None else self._read_week(newest)

    def read_again(self, since: datetime | None) -> None:
        """Read again what a commit can have changed, of what is read.

        Args:
            since: windows that end by then are as they were; None: any may have changed.
        """
        before = END_OF_TIME
        while (newest := self._reader.newest_start(before=before)) is not None:
            if newest < self._unread or (since is not None and week_of(newest) + WEEK <= since):
                return
            before = self._read_week(newest)

    def _read_week(self, time: datetime) -> datetime:
        start = week_of(time)
        windows = tuple(Window(*row) for row in self._reader.windows_in_short(start, start + WEEK))
        outcomes = self._reader.outcomes(start, start + WEEK)
        self._weeks = {**self._weeks, start: Week(start, windows, outcomes)}
        return start


def week_of(time: datetime) -> datetime:
    """Return the Monday on which the week of this time begins."""
    return Grid(WEEK, MONDAY).start_of(time)


class Bucket(NamedTuple):
    """Consecutive windows as one point of a chart.

    Args:
        start: of the first one's place in time.
        end: exclusive.
        windows: how many there are.
        rows: records in all of them.
        kinds: mean of the windows' kinds.
        least: of the windows' kinds.
        most: of the windows' kinds.
    """

    start: datetime
    end: datetime
    windows: int
    rows: int
    kinds: float
    least: int
    most: int


class Grid(NamedTuple):
    """Time in buckets of equal length.

    Args:
        size: of a bucket.
        origin: the start of one of them.
    """

    size: timedelta
    origin: datetime

    def start_of(self, time: datetime) -> datetime:
        """Return when the bucket begins that a time is in."""
        return self.origin + (time - self.origin) // self.size * self.size


def grid(first: datetime, last: datetime, length: timedelta, *, most: int) -> Grid:
    """Return the grid with the shortest readable size of which no more than `most` buckets hold the windows.

    Args:
        first: start of the first window.
        last: start of the last one.
        length: of a window; a bucket holds whole ones, and begins with one.
        most: at least 1.
    """
    # Windows of 5 hours do not begin with a Monday.
    origin = MONDAY + (first - MONDAY) % length
    hours = [timedelta(hours=n) for n in (1, 2, 3, 4, 6, 8, 12, 24, 48, 168, 336, 672)]
    readable = [length, *(each for each in hours if each > length and not each % length)]
    longer = (readable[-1] * n for n in count(2))
    grids = (Grid(size, origin) for size in chain(readable, longer))
    return next(each for each in grids if (each.start_of(last) - each.start_of(first)) // each.size < most)


def buckets(windows: Sequence[Window], length: timedelta, *, most: int) -> list[Bucket]:
    """Return at most `most` points of equal length, a multiple of the windows' length, that cover the windows."""
    if not windows:
        return []
    points = grid(windows[0].start, windows[-1].start, length, most=most)
    return [_bucket(start, points.size, group) for start, group in _groups(windows, points)]


def _groups(windows: Sequence[Window], points: Grid) -> Iterator[tuple[datetime, Sequence[Window]]]:
    starts = [window.start for window in windows]
    at = 0
    while at < len(windows):
        start = points.start_of(starts[at])
        end = bisect_left(starts, start + points.size, at)
        yield start, windows[at:end]
        at = end


def _bucket(start: datetime, size: timedelta, group: Sequence[Window]) -> Bucket:
    kinds = [window.kinds for window in group]
    rows = sum(window.rows for window in group)
    return Bucket(start, start + size, len(group), rows, sum(kinds) / len(kinds), min(kinds), max(kinds))
