"""Panels that go over time: windows, outcomes and hours, in no more points than a chart can show."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sf_police.page.colors import most_frequent, place_of
from sf_police.page.findings import Finding, Words, findings, marked_starts
from sf_police.page.summary import BEGINNING, END_OF_TIME, WEEK, Bucket, Grid, Summary, buckets, grid
from sf_police.question import Question
from sf_police.store.spans import SpanReader

Row = dict[str, Any]

OTHER: Final = "all others"
_MOST_POINTS: Final = 1_500
_OVERVIEW_POINTS: Final = 500
_OUTCOME_POINTS: Final = 200
_KIND_POINTS: Final = 100
# Read from `counts` by window; of longer spans, by week.
_LONG: Final = timedelta(weeks=52)
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class Choice:
    """What a person has chosen to see.

    Args:
        since: wall clock; windows that start from then on.
        until: exclusive.
        kind: one of the question's first group; blank for none.
        window: the start of one window.
    """

    since: datetime = BEGINNING
    until: datetime = END_OF_TIME
    kind: str = ""
    window: datetime | None = None


@dataclass(frozen=True)
class OverTime:
    """Reads the panels that go over time."""

    question: Question
    summary: Summary
    spans: SpanReader
    length: timedelta  # of a window

    def overview(self, _: Choice) -> list[Row]:
        """Return kinds and records of every window that is read, in few points."""
        return _points(buckets(self.summary.windows(), self.length, most=_OVERVIEW_POINTS))

    def windows(self, choice: Choice) -> list[Row]:
        """Return kinds and records by window, or by as many windows as fit a point."""
        windows = self.summary.windows(choice.since, choice.until)
        rows = _points(buckets(windows, self.length, most=_MOST_POINTS))
        if rows and rows[0]["end"] - rows[0]["start"] == self.length:
            marks = marked_starts(self.found(), windows)
            for row in rows:
                row["mark"] = marks.get(row["start"], "")
        return rows

    def findings(self, _: Choice) -> list[Row]:
        """Return what all windows together tell, in words."""
        return [
            {"kind": each.kind, "text": each.text, "start": each.start, "end": each.end, "distance": each.weight}
            for each in self.found()
        ]

    def found(self) -> list[Finding]:
        """Return what all windows together tell."""
        words = Words(self.question.label(self.question.rows), self.question.label(self.question.spread))
        return findings(self.summary.windows(), self.length, words, zone=self.question.time_zone)

    def outcomes(self, choice: Choice) -> list[Row]:
        """Return the records of each outcome over time; the less frequent ones together."""
        is_short = choice.until - choice.since <= _LONG
        least = self.length if is_short else WEEK
        by_start: Mapping[datetime, Mapping[str, int]] = (
            self.spans.outcomes_by_window(choice.since, choice.until)
            if is_short
            else {week.start: week.outcomes for week in self.summary.weeks(choice.since, choice.until)}
        )
        if not by_start:
            return []
        return self._merged(by_start, grid(min(by_start), max(by_start), least, most=_OUTCOME_POINTS))

    def _merged(self, by_start: Mapping[datetime, Mapping[str, int]], points: Grid) -> list[Row]:
        frequent = self._frequent()
        own = {*frequent, self.question.no_vote} - {""}
        merged: dict[datetime, Counter[str]] = defaultdict(Counter)
        for start, counted in by_start.items():
            for name, number in counted.items():
                merged[points.start_of(start)][name if name in own else OTHER] += number
        places = {name: self._place(name, frequent) for counted in merged.values() for name in counted}
        names = sorted(places, key=lambda name: places[name])
        return [
            {
                "start": start, "end": start + points.size, "outcome": name, "rows": counted[name],
                "share": round(counted[name] / counted.total(), 4), "place": places[name],
            }
            for start, counted in sorted(merged.items()) for name in names
        ]  # fmt: skip

    def shares(self, choice: Choice) -> list[Row]:
        """Return how many records of the span, or of one kind in it, ended in each outcome."""
        counted = self.spans.outcomes(choice.since, choice.until, kind=choice.kind or None)
        total, frequent = sum(counted.values()), self._frequent()
        return [
            {"outcome": name, "rows": number, "share": round(number / total, 4), "place": self._place(name, frequent)}
            for name, number in counted.items()
        ]

    def _frequent(self) -> list[str]:
        # Of all windows, so that an outcome keeps its colour whatever span is chosen.
        total: Counter[str] = Counter()
        for week in self.summary.weeks():
            total.update(week.outcomes)
        return most_frequent(total, no_vote=self.question.no_vote)

    def _place(self, outcome: str, frequent: list[str]) -> int:
        return place_of(outcome, frequent, no_vote=self.question.no_vote)

    def hours(self, choice: Choice) -> list[Row]:
        """Return records and kinds by weekday and hour, per window; of one kind, if one is chosen."""
        of_kind = self.spans.kind_by_window(choice.kind, choice.since, choice.until) if choice.kind else {}
        groups: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for window in self.summary.windows(choice.since, choice.until):
            rows = of_kind.get(window.start, 0) if choice.kind else window.rows
            groups[window.start.weekday(), window.start.hour].append((rows, window.kinds))
        return [_hour(*slot, group) for slot, group in sorted(groups.items())]

    def kind(self, choice: Choice) -> list[Row]:
        """Return the records of one kind over time."""
        counted = self.spans.kind_by_window(choice.kind, choice.since, choice.until)
        if not counted:
            return []
        points = grid(min(counted), max(counted), self.length, most=_KIND_POINTS)
        by_start: Counter[datetime] = Counter()
        for start, number in counted.items():
            by_start[points.start_of(start)] += number
        return [{"start": start, "end": start + points.size, "rows": by_start[start]} for start in sorted(by_start)]


def _points(points: Iterable[Bucket]) -> list[Row]:
    return [
        {
            "start": each.start, "end": each.end, "windows": each.windows, "rows": each.rows,
            "kinds": round(each.kinds, 2), "least": each.least, "most": each.most, "mark": "",
        }
        for each in points
    ]  # fmt: skip


def _hour(weekday: int, hour: int, group: list[tuple[int, int]]) -> Row:
    number = len(group)
    rows = sum(rows for rows, _ in group)
    kinds = sum(kinds for _, kinds in group)
    return {
        "weekday": _WEEKDAYS[weekday], "hour": hour, "windows": number, "rows": rows,
        "mean": round(rows / number, 2), "kinds": round(kinds / number, 2),
    }  # fmt: skip
