"""Whether the store is sound: its file, its books, and the digest of its counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import filterfalse
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from sf_police.question import WINDOW_END, WINDOW_START
from sf_police.store.database import Database
from sf_police.store.digest import MODULUS, CountsRow, digest_of_rows
from sf_police.store.kept import differing
from sf_police.store.tables import WallClock

# At a start. Reading and hashing so many takes one to two seconds.
MOST_ROWS: Final = 250_000
_HALF: Final = 2**31


@dataclass(frozen=True)
class Checked:
    """What a check of the counts has found sound, kept with the stream's settings for the next check.

    Args:
        before: windows that start earlier are final (the watermark has passed them) and were checked; None: none.
        digest: of the counts in these windows.
        unchecked: counts that were too many to be checked.
    """

    before: str | None = None
    digest: int = 0
    unchecked: int = 0

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Checked:
        """Return what the settings have of the last check."""
        return cls(**settings.get("checked", {}))

    def to_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings with this check in place of the last one."""
        is_same = self == self.from_settings(settings)
        return dict(settings) if is_same else {**settings, "checked": asdict(self)}


def structure_error(database: Database) -> str | None:
    """Describe corruption below the level of tables; None if there is none."""
    with database.transaction() as connection:
        return database.backend.structure_error(connection)


def check_counts(database: Database, last: Checked, *, most_rows: int = MOST_ROWS) -> Checked | None:
    """Compare the digest of the counts with that of the batches: of all, or else of the windows since the last check.

    Args:
        database: the store; no stream writes to it meanwhile.
        last: what the last check has found.
        most_rows: how many counts are read at most; if there are more, they stay unchecked.

    Returns:
        What is checked now; None if the counts are not what the batches have added.
    """
    with database.transaction() as connection:
        total, watermark = _batches_digest(connection, database), _watermark(connection, database)
        for since in (Checked(), last):
            rows = _rows_since(connection, database, since)
            if rows <= most_rows:
                # Totals are of all counts, so they can be compared only where all are read.
                if since == Checked() and differing(connection, database.tables, database.question, database.schema):
                    return None
                return _compare(connection, database, since, total=total, watermark=watermark)
    return Checked(last.before, last.digest, unchecked=rows)


def _compare(
    connection: Connection, database: Database, since: Checked, *, total: int, watermark: datetime | None
) -> Checked | None:
    columns, rows = database.question.added_columns, list(counts_rows(connection, database, since.before))

    def is_final(row: CountsRow) -> bool:
        return watermark is not None and row[1] <= watermark

    final, still_open = list(filter(is_final, rows)), list(filterfalse(is_final, rows))
    of_final = (since.digest + digest_of_rows(final, columns)) % MODULUS
    if (of_final + digest_of_rows(still_open, columns)) % MODULUS != total:
        return None
    if not final:
        return Checked(since.before, since.digest)
    # The final window that is the latest may be followed by a gap, but by no window that starts before its end.
    return Checked(max(row[1] for row in final).isoformat(" "), of_final)


def counts_rows(connection: Connection, database: Database, since: str | None = None) -> Iterator[CountsRow]:
    """Yield the rows of `counts`, from a window on, as their digest needs them."""
    counts, question = database.tables.counts, database.question
    groups = [counts.c[group.name] for group in question.groups]
    values = [counts.c[name] for name in question.added_columns]
    query = select(counts.c[WINDOW_START], counts.c[WINDOW_END], *groups, *values)
    if since is not None:
        query = query.where(counts.c[WINDOW_START] >= datetime.fromisoformat(since))
    for start, end, *rest in connection.execute(query.execution_options(yield_per=5_000)):
        yield start, end, rest[: len(groups)], rest[len(groups) :]


def _rows_since(connection: Connection, database: Database, since: Checked) -> int:
    counts = database.tables.counts
    query = select(func.count()).select_from(counts)
    if since.before is not None:
        query = query.where(counts.c[WINDOW_START] >= datetime.fromisoformat(since.before))
    return int(connection.execute(query).scalar_one())


def _batches_digest(connection: Connection, database: Database) -> int:
    # In halves, as SQLite's integers have 64 bits.
    digest = database.tables.batches.c.digest
    high, low = connection.execute(select(func.sum(digest // _HALF), func.sum(digest % _HALF))).one()
    expired = connection.execute(select(database.tables.expired.c.digest)).scalar()
    return (int(high or 0) * _HALF + int(low or 0) + (expired or 0)) % MODULUS


def _watermark(connection: Connection, database: Database) -> datetime | None:
    watermark = database.tables.batches.c.watermark
    found: datetime | None = connection.execute(select(func.max(watermark, type_=WallClock))).scalar()
    return found
