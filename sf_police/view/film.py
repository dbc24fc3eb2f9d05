"""The words of a film: of a way, of a micro-batch, and of how it was made."""

from __future__ import annotations

from itertools import accumulate

from sf_police.film.frames import Film, Filmed, Frame
from sf_police.question import Question, number_of


def title_of(way: Filmed, question: Question) -> str:
    """Return what a way is called."""
    return way.way.title.format(file_order=question.file_order)


def share_of(late: int, read: int) -> str:
    """Return the share of late records in words, so that only none is `0 %`, and only all is `100 %`."""
    percent = 100 * late / read if read else 0.0
    if percent in (0, 100):
        return f"{percent:.0f} %"
    return f"{min(max(percent, 0.1), 99.9):.1f} %"


def late_words(late: int, read: int) -> str:
    """Return how many of the records read so far were dropped as late."""
    return f"{late:,} of {read:,} dropped as late ({share_of(late, read)})"


def late_line(way: Filmed, question: Question) -> str:
    """Return a way, and how many of its records were dropped as late."""
    return f"{title_of(way, question)}: {late_words(way.late, way.read)}"


def sums_of(way: Filmed) -> list[tuple[int, int]]:
    """Return how many records were late, and how many read, before each micro-batch and in the end."""
    return list(accumulate(way.frames, _with_frame, initial=(0, 0)))


def _with_frame(sums: tuple[int, int], frame: Frame) -> tuple[int, int]:
    return sums[0] + frame.late, sums[1] + frame.read


def frame_words(frame: Frame) -> str:
    """Return what became of a micro-batch."""
    watermark = f"watermark {frame.watermark:%Y-%m-%d %H:%M}" if frame.watermark else "no watermark yet"
    return f"Read {frame.read:,}, dropped {frame.late:,} ({share_of(frame.late, frame.read)}); {watermark}."


def made_of(film: Film) -> list[str]:
    """Return what was sent, and how it was counted, in short lines."""
    return [
        f"Three real runs, each over {film.ways[0].read:,} {film.question.rows} ({film.source}):",
        f"{number_of(film.partitions, 'partitions')}, up to {number_of(film.most_offsets, 'records')} a micro-batch,",
        f"watermark {film.watermark} behind the latest event time.",
    ]
