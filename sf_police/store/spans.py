"""Reads a span of windows: the same answers over a part of `counts`, and sums that a chart needs. Writes nothing."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from sqlalchemy import false, func, select

from sf_police.question import WINDOW_END, WINDOW_START
from sf_police.store.answers import Row, StoreReader
from sf_police.store.tables import WallClock
from sf_police.store.views import WINDOW_ANSWERS


class SpanReader:
    """Reads the windows of an open store that start in a span; `until` is exclusive."""

    def __init__(self, reader: StoreReader) -> None:
        self.reader = reader
        self._database, self._counts = reader.database, reader.database.tables.counts
        question = reader.database.question
        self._rows = self._counts.c[question.rows]
        self._kind, self._outcome = (self._counts.c[each.name] for each in (question.groups[0], question.groups[-1]))

    def newest_start(self, *, before: datetime) -> datetime | None:
        """Return when the newest window starts that starts before that time; None if there is none."""
        start = self._counts.c[WINDOW_START]
        [row] = self._database.rows(select(func.max(start, type_=WallClock()).label("start")).where(start < before))
        found: datetime | None = row["start"]
        return found

    def windows(self, since: datetime, until: datetime) -> list[Row]:
        """Return the rows of `window_answers`, by start."""
        return self.reader.answered(WINDOW_ANSWERS, WINDOW_START, since, until)

    def windows_in_short(self, since: datetime, until: datetime) -> list[tuple[datetime, int, int]]:
        """Return each window's start, records and spread, by start."""
        question = self._database.question
        return [(row[WINDOW_START], row[question.rows], row[question.spread]) for row in self.windows(since, until)]

    def answer(self, view: str, since: datetime, until: datetime) -> list[Row]:
        """Return the rows of a view over the span alone, the most frequent first."""
        return self.reader.answered(view, "2 DESC, 1", since, until)

    def outcomes(self, since: datetime, until: datetime, *, kind: str | None = None) -> dict[str, int]:
        """Return how many records ended in each outcome (the question's last group), the most frequent first."""
        number = func.sum(self._rows).label("number")
        query = self._where(select(self._outcome.label("outcome"), number), since, until, kind)
        rows = self._database.rows(query.group_by(self._outcome).order_by(number.desc(), self._outcome))
        return {str(row["outcome"]): int(row["number"]) for row in rows}

    def outcomes_by_window(self, since: datetime, until: datetime) -> dict[datetime, dict[str, int]]:
        """Return each window's records by outcome, by start."""
        start, number = self._counts.c[WINDOW_START], func.sum(self._rows).label("number")
        query = self._where(select(start, self._outcome.label("outcome"), number), since, until, None)
        found: dict[datetime, dict[str, int]] = {}
        for row in self._database.rows(query.group_by(start, self._outcome).order_by(start)):
            found.setdefault(row[WINDOW_START], {})[str(row["outcome"])] = int(row["number"])
        return found

    def kind_by_window(self, kind: str, since: datetime, until: datetime) -> dict[datetime, int]:
        """Return how many records of one kind (the question's first group) each window has that has any, by start."""
        start, number = self._counts.c[WINDOW_START], func.sum(self._rows).label("number")
        query = self._where(select(start, number), since, until, kind).group_by(start).order_by(start)
        return {row[WINDOW_START]: int(row["number"]) for row in self._database.rows(query)}

    def _where(self, query: Any, since: datetime, until: datetime, kind: str | None) -> Any:
        start = self._counts.c[WINDOW_START]
        query = query.where(start >= since, start < until)
        if kind is None:
            return query
        value = self._stored(kind)
        return query.where(false() if value is None else self._kind == value)

    def _stored(self, kind: str) -> str | int | None:
        # None for what no store can hold, and a database may refuse to be asked for.
        if self._kind.type.python_type is str:
            return None if "\0" in kind else kind
        return int(kind) if re.fullmatch(r"-?[0-9]{1,19}", kind) and -(2**63) <= int(kind) < 2**63 else None

    def window_length_s(self) -> int | None:
        """Return how long a window is, in seconds; None while there is none."""
        counts = self._counts
        rows = self._database.rows(select(counts.c[WINDOW_START], counts.c[WINDOW_END]).limit(1))
        return int((rows[0][WINDOW_END] - rows[0][WINDOW_START]).total_seconds()) if rows else None
