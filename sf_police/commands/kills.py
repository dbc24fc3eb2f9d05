"""Kills a stream at random moments, and starts it again, until it has reached the end of its topic."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sf_police.commands import child
from sf_police.commands.run import say
from sf_police.config import Config
from sf_police.question import Question
from sf_police.stop import Stop
from sf_police.view import drill
from sf_police.view.canvas import undo_interrupted_style

if TYPE_CHECKING:
    from sf_police.store.answers import StoreReader
    from sf_police.store.tables import Batch

# The last kill still has batches behind it.
_LAST_KILL: Final = 0.9
_LONGEST_DELAY_S: Final = 1.0
_POLL_S: Final = 0.05


def kill_points(begin: int, end: int, kills: int, rng: random.Random) -> list[int]:
    """Return sums of offsets after which to kill, in order: one at random in each of as many equal parts."""
    part = (end - begin) * _LAST_KILL / kills
    return [int(begin + part * (number + rng.random())) for number in range(kills)]


def position(batch: Batch | None) -> int:
    """Return the sum of the partitions' next offsets after a batch; 0 before the first one."""
    return sum(batch.end_offsets.values()) if batch else 0


class WatchedStore:
    """The store of a stream that another process runs, from before its first batch on."""

    def __init__(self, config: Config, question: Question) -> None:
        from sf_police.store.database import open_database

        self._database = open_database(config.store, question, config.store_schema)
        self._reader: StoreReader | None = None

    def last_batch(self) -> Batch | None:
        """Return the latest batch; None before the first one."""
        from sf_police.store.answers import StoreReader

        if self._reader is None and self._database.exists():
            self._reader = StoreReader(self._database)
        return next(iter(self._reader.last_batches(1)), None) if self._reader else None

    def close(self) -> None:
        """Close the connection."""
        self._database.close()


class Kills:
    """The kills of one stream, those to come and those done.

    Args:
        store: the stream's.
        config: its settings.
        points: sums of offsets after which to kill, in order.
        rng: of how long after.
        records: in the topic.
    """

    def __init__(
        self, store: WatchedStore, config: Config, points: Sequence[int], rng: random.Random, *, records: int
    ) -> None:
        self._store, self._config, self._points, self._rng, self._records = store, config, points, rng, records
        self.done: list[drill.Kill] = []
        self._killed_s = 0.0
        self._killed_at = -1  # the latest batch stored by then
        self._due_s: float | None = None

    def run(self, arguments: Sequence[str], stop: Stop) -> int:
        """Run the stream, start it again after each kill, and return the exit code with which it ends by itself."""
        with tempfile.TemporaryDirectory(dir=self._config.state_dir, ignore_cleanup_errors=True) as temporary:
            code = None
            while code is None:
                with child.running(arguments, Path(temporary)) as stream:
                    code = self._watch(stream, stop)
            return code

    def _watch(self, stream: child.Child, stop: Stop) -> int | None:
        """Return the stream's exit code; None once it is killed."""
        while (code := stream.wait(_POLL_S)) is None:
            if stop.is_set():
                stream.end()
                return stop.exit_code
            last, now_s = self._store.last_batch(), time.monotonic()
            self.note_recovery(last, now_s=now_s)
            if self.is_due(last, now_s=now_s) and stream.kill():
                self._note_kill(now_s)
                return None
        self.note_recovery(self._store.last_batch(), now_s=time.monotonic())
        return code

    def is_due(self, last: Batch | None, *, now_s: float) -> bool:
        """Return whether to kill now: the next point is reached, and then up to a batch's time has passed."""
        if last is None or last.batch_id <= self._killed_at or len(self.done) == len(self._points):
            return False
        if position(last) < self._points[len(self.done)]:
            return False
        if self._due_s is None:
            # Batches are stored at their end: from there on, any step of the next one may be hit.
            self._due_s = now_s + self._rng.random() * min(last.seconds, _LONGEST_DELAY_S)
        return now_s >= self._due_s

    def note_recovery(self, last: Batch | None, *, now_s: float) -> None:
        """Take down how long the stream took to recover, once it has stored a batch since the latest kill."""
        if self.done and self.done[-1].recovery_s is None and last and last.batch_id > self._killed_at:
            self.done[-1] = replace(self.done[-1], recovery_s=now_s - self._killed_s)

    def _note_kill(self, now_s: float) -> None:
        from sf_police.stream.checkpoint import steps
        from sf_police.stream.filesystems import LocalFolder

        last = self._store.last_batch()
        planned, committed = steps(LocalFolder(Path(self._config.checkpoint)))
        stored = last.batch_id if last else -1
        moment = drill.moment(planned=planned, stored=stored, committed=committed)
        self.done.append(drill.Kill(position(last) / self._records, moment))
        self._killed_s, self._killed_at, self._due_s = now_s, stored, None
        undo_interrupted_style()
        say(drill.kill_line(self.done[-1], number=len(self.done), kills=len(self._points)))
