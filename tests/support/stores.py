"""Stores of calls as a stream would have written them, without Spark: in event order, micro-batch by micro-batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sf_police.calls import QUESTION
from sf_police.calls.generate import generate_calls
from sf_police.store.database import Database, open_database
from sf_police.store.writer import StoreWriter
from tests.support import recount
from tests.support.builders import a_batch, a_counts_table

Call = dict[str, Any]
SETTINGS = {"topic": "a-topic", "window": "30 minutes", "watermark": "10 minutes"}
WATERMARK = timedelta(minutes=10)


def generated(number: int) -> list[Call]:
    return [dict(call) for call in generate_calls(number, seed=7)]


def store_at(folder: Path) -> Database:
    return open_database(f"sqlite:///{folder / 'answers.db'}", QUESTION)


class StoredCalls:
    """Calls, and a store that holds those which are written so far."""

    def __init__(self, folder: Path, calls: Iterable[Call]) -> None:
        self.url = f"sqlite:///{folder / 'answers.db'}"
        self.database = store_at(folder)
        self._calls = sorted(calls, key=lambda call: call["call_date_time"])
        self._read, self._batch, self._rejected = 0, 0, 0
        self._watermark: datetime | None = None
        self._seen: set[tuple[str, str]] = set()
        self._writer = StoreWriter(self.database)
        self._writer.adopt_stream("query", SETTINGS)

    @property
    def written(self) -> list[Call]:
        """The calls that were read so far, duplicates and all."""
        return self._calls[: self._read]

    @property
    def counted(self) -> dict[tuple[str, str, str], int]:
        """What the store is to hold, by an independent recount."""
        return recount.counts(self.written)

    def write(self, number: int, rejected: Iterable[tuple[str, bytes | None]] = ()) -> int:
        """Store the next calls, and rejected records, as one micro-batch; return its number."""
        calls = self._calls[self._read : self._read + number]
        fresh = self._fresh(calls)
        rows = [
            (start, f"{datetime.fromisoformat(start) + timedelta(minutes=30)}", kind, outcome, count)
            for (start, kind, outcome), count in recount.counts_of(fresh).items()
        ]
        bad = [self._rejected_row(reason, value) for reason, value in rejected]
        batch = a_batch(
            self._batch, start=self._read + self._rejected - len(bad), read=len(calls) + len(bad), counted=len(fresh),
            duplicates=len(calls) - len(fresh), rejected=len(bad),
        )  # fmt: skip
        lag = len(self._calls) - self._read - len(calls)
        batch = replace(batch, watermark=self._watermark, lag=lag, state_rows=50 + self._batch % 9)
        self._writer.write_batch(batch, a_counts_table(rows), bad)
        self._read += len(calls)
        self._batch += 1
        if calls:
            self._watermark = datetime.fromisoformat(calls[-1]["call_date_time"]) - WATERMARK
        return self._batch - 1

    def _fresh(self, calls: list[Call]) -> list[Call]:
        fresh = []
        for call in calls:
            key = (call["crime_id"], call["call_date_time"])
            if key not in self._seen:
                self._seen.add(key)
                fresh.append(call)
        return fresh

    def _rejected_row(self, reason: str, value: bytes | None) -> Mapping[str, Any]:
        self._rejected += 1
        return {"topic": "a-topic", "partition": 0, "offset": 10**6 + self._rejected, "reason": reason, "value": value}
