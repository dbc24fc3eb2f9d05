"""What a drill says: what a kill has hit, how long the stream took to recover, and whether all adds up. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sf_police.question import number_of, percent
from sf_police.view import terminal
from sf_police.view.fitted import Column, FittedTable

if TYPE_CHECKING:
    from sf_police.store.tables import Books


@dataclass(frozen=True)
class Kill:
    """A kill of the stream.

    Args:
        share: of the records that were counted by then (0 to 1).
        moment: what it has hit, in words.
        recovery_s: from the kill until a batch was stored that was not before; None: that did not happen.
    """

    share: float
    moment: str
    recovery_s: float | None = None


def moment(*, planned: int, stored: int, committed: int) -> str:
    """Return which step of a batch a kill has hit: each is planned, stored and committed, in this order.

    Args:
        planned: the latest batch with a file in the checkpoint's `offsets`; -1 for none.
        stored: the latest batch in the store.
        committed: the latest batch with a file in the checkpoint's `commits`.
    """
    if planned > stored:
        return f"batch {planned} planned, not stored: it runs again"
    if stored > committed:
        return f"batch {stored} stored, not committed: it is replayed"
    return "no batch planned yet" if planned < 0 else f"batch {planned} complete, the next not planned yet"


def kill_line(kill: Kill, *, number: int, kills: int) -> str:
    """Say that the stream was killed, and when."""
    return f"kill {number} of {kills}, with -9, at {percent(kill.share)}: {kill.moment}"


def kills_table(kills: Sequence[Kill]) -> FittedTable:
    """Return a table of the kills, and how long the stream took to recover from each."""
    took = ["never" if kill.recovery_s is None else f"{kill.recovery_s:.1f} s" for kill in kills]
    return FittedTable(
        (
            Column("kill", [str(number) for number in range(1, len(kills) + 1)]),
            Column("at", [percent(kill.share) for kill in kills], rank=2),
            Column("what it hit", [kill.moment for kill in kills], is_text=True, rank=1, justify="left"),
            Column("recovered in", took),
        )
    )


def differences(books: Books, *, records: int, distinct: int, rows: str) -> list[str]:
    """Return what does not add up, a line each.

    Args:
        books: of the drill's store.
        records: in its topic.
        distinct: different records in the file, by id and event time.
        rows: what the question calls its records.
    """
    lines = [] if books.is_balanced else [terminal.books_line(books, rows=rows)]
    if books.read != records:
        lines.append(f"read {books.read:,}, but the topic holds {number_of(records, 'records')}")
    # What was rejected or late is counted by nobody, and may be a duplicate or not.
    if not books.rejected and not books.late and books.counted != distinct:
        lines.append(f"counted {books.counted:,}, but the file has {distinct:,} different {rows}")
    return lines


def outcome(*, kills: int, distinct: int, books: Books, wrong: Sequence[str], rows: str) -> list[str]:
    """Return what a drill has shown, in lines; what does not add up, if anything does not."""
    if wrong:
        return [f"THIS DIFFERS: {line}" for line in wrong]
    lines = [terminal.books_line(books, rows=rows)]
    if not books.rejected and not books.late:
        lines.append(f"different {rows} in the file {distinct:,} = counted {books.counted:,}")
    return [*lines, f"killed {number_of(kills, 'times')}, and nothing is lost or counted twice"]
