"""How fast the latest batches were, and how long the rest takes at that speed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sf_police.view.terminal import duration

_MOST_BATCHES: Final = 10
# The first batch runs in a cold JVM, and one interval between two more says too little.
_FEWEST_BATCHES: Final = 3


@dataclass(frozen=True)
class _Mark:
    stored_s: float
    records: int
    seconds: float


@dataclass(frozen=True)
class Recent:
    """The latest batches of a run, up to ten."""

    marks: tuple[_Mark, ...] = ()

    def after(self, *, records: int, seconds: float, now_s: float) -> Recent:
        """Return them after another batch.

        Args:
            records: it has read.
            seconds: it took.
            now_s: when it was stored, in the seconds of any clock.
        """
        return Recent((*self.marks, _Mark(now_s, records, seconds))[-_MOST_BATCHES:])

    @property
    def rows_per_s(self) -> float | None:
        """Records a second while the batches ran, without the pauses between them; None if that is unknown."""
        seconds = sum(mark.seconds for mark in self.marks)
        return sum(mark.records for mark in self.marks) / seconds if seconds > 0 else None

    def seconds_left(self, records: int) -> float | None:
        """Return how long these records take, with all that comes between batches; None if it is not known yet."""
        if len(self.marks) < _FEWEST_BATCHES:
            return None
        elapsed = self.marks[-1].stored_s - self.marks[0].stored_s
        read = sum(mark.records for mark in self.marks[1:])
        return records * elapsed / read if read and elapsed > 0 else None


@dataclass(frozen=True)
class Progress:
    """How many of the records that a run is to process are processed; the seconds left, None while unknown."""

    done: int
    total: int
    seconds_left: float | None = None

    @property
    def text(self) -> str:
        """Such as `129,000 of 199,999 records (64 %), 12 s left`; 100 % is said only of all of them."""
        left = ""
        if self.seconds_left is not None and self.done < self.total:
            left = f", {duration(self.seconds_left)} left"
        return f"{self.done:,} of {self.total:,} records ({100 * self.done // self.total} %){left}"
