"""Watches a store: whether there is one, what has been committed, whether a stream runs into it. One thread for all.

Each commit makes one `Snapshot`; however many people look on, the store is asked once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sf_police.errors import SfPoliceError
from sf_police.page.panels import Panels, panels_of
from sf_police.page.summary import Summary
from sf_police.store.answers import StoreReader
from sf_police.store.database import Database
from sf_police.store.spans import SpanReader
from sf_police.store.tables import Batch

_SECONDS_BETWEEN_LOOKS: Final = 0.1
_SECONDS_BETWEEN_ASKING_WHO_RUNS: Final = 1.0
# A stream whose last commit is older has nothing to do, or its records take long.
_IDLE_AFTER: Final = timedelta(seconds=10)
# Of a store that is not read yet, before what is read is shown.
_SECONDS_OF_READING: Final = 0.5
_NO_STORE: Final = "there is no store yet: run `make run-stream`, or `make live`"


@dataclass(frozen=True)
class Snapshot:
    """What is known of the store after a commit, or another change.

    Args:
        version: grows with every snapshot.
        state: `opening`, `none` (no store), `unusable`, `empty`, `live`, `idle` or `stopped`.
        note: what to do about it, or what went wrong.
        first: the start of the first window that is read.
        last: the start of the last window.
        is_whole: whether every window is read.
        length_s: of a window.
        batch: the latest.
        settings: of the stream.
        panels: what reads the store; None without one.
    """

    version: int
    state: str
    note: str = ""
    first: datetime | None = None
    last: datetime | None = None
    is_whole: bool = False
    length_s: int | None = None
    batch: Batch | None = None
    settings: dict[str, Any] | None = None
    panels: Panels | None = None


class Watcher:
    """Watches a store in a thread, and keeps the newest `snapshot`."""

    def __init__(self, database: Database, *, on_change: Callable[[], None] = lambda: None) -> None:
        self.on_change = on_change
        self.snapshot = Snapshot(0, "opening")
        self._database = database
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)
        self._store: _WatchedStore | None = None
        self._began_looking_s: float | None = None

    @property
    def is_alive(self) -> bool:
        """Whether it watches."""
        return self._thread.is_alive()

    @property
    def looking_s(self) -> float:
        """How long the store has been asked, in seconds; 0 in between."""
        began = self._began_looking_s
        return 0.0 if began is None else time.monotonic() - began

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_over.is_set():
            self._began_looking_s = time.monotonic()
            found = self._look()
            self._began_looking_s = None
            if replace(found, version=self.snapshot.version) != self.snapshot:
                self.snapshot = replace(found, version=self.snapshot.version + 1)
                self.on_change()
            self._is_over.wait(self._pause_s())

    def _pause_s(self) -> float:
        if self._store is None:
            return _SECONDS_BETWEEN_ASKING_WHO_RUNS
        return _SECONDS_BETWEEN_LOOKS if self._store.summary.is_whole else 0

    def _look(self) -> Snapshot:
        try:
            if self._store is None:
                if not self._database.exists():
                    return Snapshot(0, "none", note=_NO_STORE)
                if refusal := self._database.refusal():
                    raise refusal
                self._store = _WatchedStore(self._database)
            return self._store.look()
        except SfPoliceError as error:
            # Deleted, replaced or out of reach: what was read of it may be another's.
            self._store = None
            return Snapshot(0, "unusable", note=str(error))


class _WatchedStore:
    """A store that exists, as it is seen."""

    def __init__(self, database: Database) -> None:
        self._database, self._reader = database, StoreReader(database)
        self._spans = SpanReader(self._reader)
        self.summary = Summary(self._spans)
        self._batch: Batch | None = None
        self._settings: dict[str, Any] = {}
        self._length_s: int | None = None
        self._panels: Panels | None = None
        self._is_held = False
        self._asked_s = -_SECONDS_BETWEEN_ASKING_WHO_RUNS

    def look(self) -> Snapshot:
        """Return what is there now. Raises SfPoliceError if the store cannot be read any more."""
        newest = next(iter(self._reader.last_batches(1)), None)
        if newest != self._batch:
            if newest is None or (self._batch and newest.query_id != self._batch.query_id):
                raise SfPoliceError("the store was deleted while it was looked at", remedy="it is opened again")
            self._follow(newest)
        if self._batch and self._panels is None:
            self._begin()
        self._read_older()
        self._ask_who_runs()
        return self._snapshot()

    def _begin(self) -> None:
        stream = self._reader.stream()
        self._settings = stream[1] if stream else {}
        self._panels = panels_of(self._reader, self.summary, self._settings)
        if self._panels is not None:
            self._length_s = int(self._panels.length.total_seconds())

    def _follow(self, newest: Batch) -> None:
        self.summary.read_again(self._unchanged_until())
        self._batch = newest

    def _unchanged_until(self) -> datetime | None:
        # A batch changes no window that ends before the watermark which decided what was late in it.
        first = self._reader.batch(self._batch.batch_id + 1) if self._batch else None
        return first.watermark if first and self._database.question.drops_duplicates else None

    def _read_older(self) -> None:
        until = time.monotonic() + _SECONDS_OF_READING
        while not self.summary.is_whole and time.monotonic() < until:
            self.summary.read_older()

    def _ask_who_runs(self) -> None:
        now = time.monotonic()
        if now - self._asked_s >= _SECONDS_BETWEEN_ASKING_WHO_RUNS:
            self._asked_s, self._is_held = now, self._database.is_held()

    def _snapshot(self) -> Snapshot:
        first, last = self.summary.span
        return Snapshot(
            version=0,
            state=self._state(),
            first=first,
            last=last,
            is_whole=self.summary.is_whole,
            length_s=self._length_s,
            batch=self._batch,
            settings=self._settings,
            panels=self._panels,
        )

    def _state(self) -> str:
        if not self._is_held:
            return "stopped" if self._batch else "empty"
        if self._batch is None:
            return "live"
        at = self._batch.committed_at
        is_recent = at is not None and datetime.now(UTC).replace(tzinfo=None) - at < _IDLE_AFTER
        return "live" if is_recent else "idle"
