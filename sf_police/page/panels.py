"""What each panel of the page shows: rows, each of them a small table that a chart, CSV and JSON share.

Nothing here is computed twice: the answers are the store's views over the chosen span.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any, Final

from sf_police.checks import duration_s
from sf_police.page.over_time import Choice, OverTime, Row
from sf_police.page.summary import Summary
from sf_police.question import WINDOW_END, WINDOW_START, Question
from sf_police.store.answers import StoreReader, totals
from sf_police.store.spans import SpanReader
from sf_police.store.tables import Batch
from sf_police.store.views import OVERALL_ANSWER, kinds
from sf_police.view.records import value_text
from sf_police.view.terminal import books_line, totals_text

_BATCHES: Final = 300
_REJECTED: Final = 100
_REJECTED_READ: Final = 2_000
_MOST_CHARACTERS: Final = 2_000


class Panels:
    """Reads what the panels show from a store.

    Args:
        reader: of the store.
        summary: its windows in short.
        length: of a window.
        delay: how far the watermark trails the latest event time; None if it is not known.
    """

    def __init__(
        self, reader: StoreReader, summary: Summary, length: timedelta, delay: timedelta | None = None
    ) -> None:
        self._reader, self._summary, self.length, self._delay = reader, summary, length, delay
        self._question: Question = reader.database.question
        self._spans = SpanReader(reader)
        over = OverTime(self._question, summary, self._spans, length)
        self._panels: dict[str, Callable[[Choice], list[Row]]] = {
            "answer": self.answer,
            "books": self.books,
            "overview": over.overview,
            "windows": over.windows,
            "findings": over.findings,
            "outcomes": over.outcomes,
            "shares": over.shares,
            "hours": over.hours,
            "kinds": self.kinds,
            "kind": over.kind,
            "window": self.window,
            "health": self.health,
            "rejected": self.rejected,
        }

    def rows(self, panel: str, choice: Choice) -> list[Row]:
        """Return a panel's rows. Raises KeyError if there is no such panel."""
        return self._panels[panel](choice)

    def answer(self, choice: Choice) -> list[Row]:
        """Return the answer to the question, of the span alone, in words and figures."""
        found = self._summary.windows(choice.since, choice.until)
        if not found:
            return []
        spread = self._question.spread
        windows = [{WINDOW_START: w.start, WINDOW_END: w.start + self.length, spread: w.kinds} for w in found]
        [overall] = self._spans.answer(OVERALL_ANSWER, choice.since, choice.until)
        figures = totals(windows, overall, spread=spread)
        first, *more = totals_text(figures, self._question).splitlines()
        per_window = figures.pop(f"{spread}_per_window")  # a table's cell holds one value
        flat = {f"{spread}_per_window_{name}": value for name, value in per_window.items()}
        return [{"answer": first, "made_of": " ".join(more), **figures, **flat}]

    def books(self, _: Choice) -> list[Row]:
        """Return where the records of the whole store went."""
        books = self._reader.books()
        line = books_line(books, rows=self._question.label(self._question.rows))
        return [{**asdict(books), "gaps": books.gaps, "is_balanced": books.is_balanced, "line": line}]

    def kinds(self, choice: Choice) -> list[Row]:
        """Return the answer for each kind in the span, with shares."""
        view = kinds(self._question.answers).get(self._question.groups[0].name.replace("_", "-"))
        found = self._spans.answer(view, choice.since, choice.until) if view else []
        total = sum(row[self._question.rows] for row in found)
        return [self._with_shares(row, total) for row in found]

    def _with_shares(self, row: Row, total: int) -> Row:
        shared: Row = {}
        for name, value in row.items():
            shared[name] = value
            if name == self._question.rows:
                shared["share"] = round(value / total, 6)
            elif name.startswith("usual_") and name.endswith(f"_{self._question.rows}"):
                shared["usual_share"] = None if value is None else round(value / row[self._question.rows], 4)
        return shared

    def window(self, choice: Choice) -> list[Row]:
        """Return the counts of one window."""
        return [] if choice.window is None else self._reader.window_counts(choice.window)

    def health(self, _: Choice) -> list[Row]:
        """Return the newest micro-batches, by batch id, with rows/s and how far the watermark trails."""
        batches = self._reader.last_batches(_BATCHES)[::-1]
        return [self._of_batch(each, then) for each, then in zip_longest(batches, batches[1:])]

    def _of_batch(self, batch: Batch, after: Batch | None) -> Row:
        # The next watermark trails this batch's latest event by the delay; after the latest batch it is not known yet.
        latest = after.watermark + self._delay if after and after.watermark and self._delay is not None else None
        behind = (latest - batch.watermark).total_seconds() if latest and batch.watermark else None
        return {
            "batch": batch.batch_id, "committed_at": batch.committed_at, "read": batch.read,
            "seconds": round(batch.seconds, 3), "rows_per_s": round(batch.read / batch.seconds) if batch.seconds else 0,
            "lag": batch.lag, "state_rows": batch.state_rows, "watermark": batch.watermark, "behind_s": behind,
            "counted": batch.counted, "late": batch.late, "duplicates": batch.duplicates, "rejected": batch.rejected,
        }  # fmt: skip

    def rejected(self, choice: Choice) -> list[Row]:
        """Return the newest rejected records; of a window, those in which a time of that window can be read."""
        found = self._reader.newest_rejected(_REJECTED if choice.window is None else _REJECTED_READ)
        timed = [(row, event_time(row["value"], self._question)) for row in found]
        return [
            {
                "topic": row["topic"], "partition": row["partition"], "offset": row["offset"], "time": at,
                "reason": row["reason"], "bytes": None if row["value"] is None else len(row["value"]),
                "value": value_text(row["value"], most=_MOST_CHARACTERS),
            }
            for row, at in timed
            if choice.window is None or (at and choice.window <= at < choice.window + self.length)
        ]  # fmt: skip


def panels_of(reader: StoreReader, summary: Summary, settings: Mapping[str, Any]) -> Panels | None:
    """Return the panels of a store; None while neither a window nor its stream's settings say how long one is."""
    # Of a stream whose every record was rejected there is no window, but there are books and reasons.
    length, delay = _duration(settings, "window"), _duration(settings, "watermark")
    stored_s = SpanReader(reader).window_length_s()
    length = length if stored_s is None else timedelta(seconds=stored_s)
    return None if length is None else Panels(reader, summary, length, delay)


def _duration(settings: Mapping[str, Any], name: str) -> timedelta | None:
    return timedelta(seconds=duration_s(settings[name])) if name in settings else None


PANELS: Final = (
    "answer", "books", "overview", "windows", "findings", "outcomes", "shares", "hours", "kinds", "kind", "window",
    "health", "rejected",
)  # fmt: skip


def event_time(value: bytes | None, question: Question) -> datetime | None:
    """Return the first time of the question's form that can be read in a record's bytes; None if there is none."""
    found = re.search(question.time_pattern.encode(), value or b"")
    try:
        return datetime.fromisoformat(found[0].decode()).replace(tzinfo=None) if found else None
    except ValueError:
        return None  # digits, but no date
