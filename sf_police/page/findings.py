"""What the windows tell, in words: those far from what their hour and weekday usually hold, days, hours. Pure.

The rule is stated beside what it finds (`RULE`), so that a reader can judge it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby, pairwise
from statistics import median
from typing import Final
from zoneinfo import ZoneInfo

from sf_police.page.summary import Window
from sf_police.question import number_of

RULE: Final = (
    "A window is marked when its {rows} are further from the median of the same weekday and time of day than four "
    "times the usual distance: the median distance of those windows from it, times 1.48, and at least the square root "
    "of the median. It takes five weeks; what lies beyond a week without {rows} is left out."
)
_FAR: Final = 4.0
# Makes the median distance comparable with a standard deviation, where values are normally distributed.
_MEDIAN_TO_DEVIATION: Final = 1.4826
_LEAST_WEEKS: Final = 5
_LONGEST_GAP: Final = timedelta(weeks=1)
_DAY: Final = timedelta(days=1)
_MOST_MARKED: Final = 12

Slot = tuple[int, time]  # weekday, from Monday = 0, and time of day


@dataclass(frozen=True)
class Finding:
    """Something worth knowing.

    Args:
        start: of the span that it is about.
        end: exclusive.
        kind: `few`, `many`, `day`, `hours` or `repeated`.
        text: one sentence.
        weight: how far from the usual, in usual distances; 0 where that has no meaning.
    """

    start: datetime
    end: datetime
    kind: str
    text: str
    weight: float = 0.0


@dataclass(frozen=True)
class Words:
    """What people call the records and the kinds, in the plural."""

    rows: str
    kinds: str


def findings(windows: Sequence[Window], length: timedelta, words: Words, *, zone: str) -> list[Finding]:
    """Return what the windows tell.

    Args:
        windows: in time order.
        length: of a window.
        words: for records and kinds.
        zone: of the event times, such as `Europe/Berlin`; blank if their clock never shows an hour twice.
    """
    windows = _longest_run(windows)
    if not windows:
        return []
    first, end = windows[0].start, windows[-1].start + length
    repeated = [_repeated(hour, windows, length, words) for hour in (repeated_hours(first, end, zone) if zone else [])]
    if end - first < timedelta(weeks=_LEAST_WEEKS):
        return repeated
    marked = sorted(_marked(windows, length, words), key=lambda each: -each.weight)[:_MOST_MARKED]
    return [
        *_days(windows, words),
        *_hours(windows, length, words),
        *repeated,
        *sorted(marked, key=lambda each: each.start),
    ]


def _longest_run(windows: Sequence[Window]) -> Sequence[Window]:
    # A record with a mistaken year would otherwise make decades of windows without records the usual ones.
    ends = [n + 1 for n in range(len(windows) - 1) if windows[n + 1].start - windows[n].start > _LONGEST_GAP]
    runs = [windows[start:end] for start, end in pairwise([0, *ends, len(windows)])]
    return max(runs, key=len)


def _marked(windows: Sequence[Window], length: timedelta, words: Words) -> Iterator[Finding]:
    by_start = {window.start: window.rows for window in windows}
    usual = _usual(by_start, windows[0].start, windows[-1].start, length)

    def side(start: datetime) -> int:
        expected, distance = usual.get(_slot(start), (0.0, 0.0))
        difference = by_start.get(start, 0) - expected
        return 0 if not distance or abs(difference) <= _FAR * distance else (1 if difference > 0 else -1)

    for sign, group in groupby(_all_starts(windows[0].start, windows[-1].start, length), key=side):
        if sign:
            yield _far(list(group), sign=sign, by_start=by_start, usual=usual, length=length, words=words)


def _usual(
    by_start: Mapping[datetime, int], first: datetime, last: datetime, length: timedelta
) -> dict[Slot, tuple[float, float]]:
    values: dict[Slot, list[int]] = defaultdict(list)
    for start in _all_starts(first, last, length):
        values[_slot(start)].append(by_start.get(start, 0))  # a window without records has no row
    found = {}
    for slot, rows in values.items():
        if len(rows) >= _LEAST_WEEKS:
            middle = float(median(rows))
            distance = _MEDIAN_TO_DEVIATION * float(median(abs(each - middle) for each in rows))
            found[slot] = middle, max(distance, middle**0.5, 1.0)
    return found


def _far(
    starts: Sequence[datetime],
    *,
    sign: int,
    by_start: Mapping[datetime, int],
    usual: Mapping[Slot, tuple[float, float]],
    length: timedelta,
    words: Words,
) -> Finding:
    here = sum(by_start.get(start, 0) for start in starts)
    expected = sum(usual[_slot(start)][0] for start in starts)
    weight = max(abs(by_start.get(s, 0) - usual[_slot(s)][0]) / usual[_slot(s)][1] for s in starts)
    start, end = starts[0], starts[-1] + length
    text = f"{_span(start, end)}: {number_of(here, words.rows)}, where some {expected:,.0f} are usual"
    return Finding(start, end, "many" if sign > 0 else "few", f"{text}.", round(weight, 1))


def _days(windows: Sequence[Window], words: Words) -> Iterator[Finding]:
    totals: dict[date, int] = defaultdict(int)
    for window in windows:
        totals[window.start.date()] += window.rows
    # The first and the last may be a part of a day; one without records has no window.
    first, last = windows[0].start.date(), windows[-1].start.date()
    whole = {day: totals[day] for day in (first + n * _DAY for n in range(1, (last - first).days))}
    if len(whole) < _LEAST_WEEKS * 7 or len(set(whole.values())) == 1:
        return
    usual = median(whole.values())
    for name, day in (
        ("Busiest", max(whole, key=lambda d: whole[d])),
        ("Quietest", min(whole, key=lambda d: whole[d])),
    ):
        yield _day(name, day, whole[day], usual, words)
    quiet = sorted(whole, key=lambda d: whole[d])[1]
    yield _day("Second quietest", quiet, whole[quiet], usual, words)


def _day(name: str, day: date, rows: int, usual: float, words: Words) -> Finding:
    start = datetime.combine(day, time.min)
    text = f"{name} day: {day:%A}, {day}, with {number_of(rows, words.rows)} (median of all days: {usual:,.0f})."
    return Finding(start, start + _DAY, "day", text)


def _hours(windows: Sequence[Window], length: timedelta, words: Words) -> Iterator[Finding]:
    by_time: dict[time, list[int]] = defaultdict(list)
    for window in windows:
        by_time[window.start.time()].append(window.kinds)
    if len(by_time) < 2 or min(map(len, by_time.values())) < _LEAST_WEEKS:
        return
    middle = {at: float(median(kinds)) for at, kinds in by_time.items()}
    # Of equal medians the mean decides.
    in_order = sorted(middle, key=lambda at: (middle[at], sum(by_time[at]) / len(by_time[at])))
    least, most = in_order[0], in_order[-1]
    if middle[least] == middle[most]:
        return
    text = (
        f"Through the day: {number_of(middle[least], words.kinds)} in the window from {least:%H:%M}, "
        f"{middle[most]:,g} from {most:%H:%M} (medians)."
    )
    yield Finding(windows[0].start, windows[-1].start + length, "hours", text)


def _repeated(hour: datetime, windows: Sequence[Window], length: timedelta, words: Words) -> Finding:
    until = hour + timedelta(hours=1)
    holding = [window for window in windows if window.start < until and window.start + length > hour]
    start = min([hour, *(window.start for window in holding)])
    end = max([until, *(window.start + length for window in holding)])
    rows = sum(window.rows for window in holding)
    holds = "its windows hold two hours" if end - start == until - hour else "its window holds one hour more"
    text = f"{_span(hour, until)} happened twice, as the clocks were set back: {holds} of {words.rows} ({rows:,})."
    return Finding(start, end, "repeated", text)


def repeated_hours(first: datetime, last: datetime, zone: str) -> list[datetime]:
    """Return the full hours of the span that the zone's clock shows twice."""
    known = ZoneInfo(zone)
    day = datetime.combine(first.date(), time.min)
    hours: list[datetime] = []
    while day < last:
        # A clock is set back on a day that ends with less offset than it began with.
        if (day + _DAY).replace(tzinfo=known).utcoffset() < day.replace(tzinfo=known).utcoffset():  # type: ignore[operator]
            for hour in (day + timedelta(hours=n) for n in range(24)):
                offsets = [hour.replace(tzinfo=known, fold=fold).utcoffset() for fold in (0, 1)]
                if offsets[0] != offsets[1] and first <= hour < last:
                    hours.append(hour)
        day += _DAY
    return hours


def _all_starts(first: datetime, last: datetime, length: timedelta) -> Iterator[datetime]:
    start = first
    while start <= last:
        yield start
        start += length


def _slot(start: datetime) -> Slot:
    return start.weekday(), start.time()


def _span(start: datetime, end: datetime) -> str:
    same_day = start.date() == (end - timedelta(microseconds=1)).date()
    return (
        f"{start:%Y-%m-%d, %H:%M} to {end:%H:%M}" if same_day else f"{start:%Y-%m-%d, %H:%M} to {end:%Y-%m-%d, %H:%M}"
    )


def marked_starts(found: Iterable[Finding], windows: Sequence[Window]) -> dict[datetime, str]:
    """Return the windows within a `few`, a `many` or a `repeated` finding, and which it is; the last explains most."""
    kinds = ("few", "many", "repeated")
    spans = sorted((each for each in found if each.kind in kinds), key=lambda each: kinds.index(each.kind))
    return {w.start: each.kind for w in windows for each in spans if each.start <= w.start < each.end}
