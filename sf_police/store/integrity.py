"""Whether the store is sound: its file, its books, and the digest of its counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import filterfalse
from typing import Any, Final

from sqlalchemy import Select, func, literal, select
from sqlalchemy.engine import Connection

from sf_police.question import WINDOW_END, WINDOW_START
from sf_police.store.answers import StoreReader
from sf_police.store.comparison import Comparison
from sf_police.store.database import Database
from sf_police.store.digest import MODULUS, CountsRow, digest_of_rows
from sf_police.store.kept import KeptTotals
from sf_police.store.tables import WallClock

# At a start. Reading and hashing so many counts takes one to two seconds, adding up so many batches half of one.
MOST_ROWS: Final = 250_000
MOST_BATCHES: Final = 1_000_000
_HALF: Final = 2**31


@dataclass(frozen=True)
class Checked:
    """What a check of the counts has found sound, kept with the stream's settings for the next check.

    Args:
        before: windows that start earlier are final (the watermark has passed them) and were checked; None: none.
        digest: of the counts in these windows.
        unchecked: what was too much to be checked, in words.
    """

    before: str | None = None
    digest: int = 0
    unchecked: str = ""

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Checked:
        """Return what the settings have of the last check."""
        return cls(**settings.get("checked", {}))

    def to_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings with this check in place of the last one."""
        is_same = self == self.from_settings(settings)
        return dict(settings) if is_same else {**settings, "checked": asdict(self)}


def structure_error(database: Database) -> str | None:
    """Describe corruption below the level of tables; None if there is none, or the file is too large to look for it."""
    with database.transaction() as connection:
        return None if database.backend.is_large(connection) else database.backend.structure_error(connection)


def is_balanced(store: StoreReader) -> bool:
    """Return whether the books balance, as far as they can be added up within the bounds of a start.

    The sum of more counts than that is not compared, as their digest is.
    """
    tables = store.database.tables
    with store.database.transaction() as connection:
        if _number(connection, select(tables.batches), MOST_BATCHES) > MOST_BATCHES:
            return True
        are_few = [
            _number(connection, select(table), MOST_ROWS) <= MOST_ROWS for table in (tables.counts, tables.rejected)
        ]
    return store.books(of_counts=are_few[0], of_rejected=are_few[1]).is_balanced


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
        unchecked = list(_too_much(connection, database))
        if _number(connection, select(database.tables.batches), MOST_BATCHES) > MOST_BATCHES:
            unchecked.append(f"more than {MOST_BATCHES:,} micro-batches and their counts (RETENTION bounds them)")
            return replace(last, unchecked=", ".join(unchecked))
        total, watermark = _batches_digest(connection, database), _watermark(connection, database)
        for since in (Checked(), last):
            if _number(connection, _counts_since(database, since), most_rows) <= most_rows:
                totals = KeptTotals(connection, database.tables, database.question, database.schema)
                # They are of all settled windows, so they can be compared only where all are read.
                if since == Checked() and totals.differing():
                    return None
                found = _compare(connection, database, since, total=total, watermark=watermark)
                return found and replace(found, unchecked=", ".join(unchecked))
    return replace(last, unchecked=", ".join([*unchecked, f"more than {most_rows:,} counts"]))


def _too_much(connection: Connection, database: Database) -> Iterator[str]:
    if database.backend.is_large(connection):
        yield "the structure of so large a file"
    if _number(connection, select(database.tables.rejected), MOST_ROWS) > MOST_ROWS:
        yield f"more than {MOST_ROWS:,} rejected records"


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


def compare_digests(database: Database) -> Comparison:
    """Compare the digest of all counts with that of the micro-batches, and the totals with the counts they are of.

    Reads every count, but keeps none of them; no stream writes to the store meanwhile.
    """
    number = 0

    def counted() -> Iterator[CountsRow]:
        nonlocal number
        for row in counts_rows(connection, database):
            number += 1
            yield row

    with database.transaction() as connection:
        of_counts = digest_of_rows(counted(), database.question.added_columns)
        of_batches = _batches_digest(connection, database)
        totals = KeptTotals(connection, database.tables, database.question, database.schema).differing()
    said = f"{number:,} counts have the digest that the micro-batches have added, {of_batches:x}"
    if of_counts != of_batches:
        return Comparison(
            said, f"the micro-batches have added the digest {of_batches:x}, the counts have {of_counts:x}"
        )
    return Comparison(said, f"the totals {totals[0]} are not what the counts yield" if totals else None)


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


def sorted_counts(connection: Connection, database: Database) -> Iterator[CountsRow]:
    """Yield the rows of `counts` by window and groups, texts in the order of their bytes."""
    counts, question = database.tables.counts, database.question
    groups = [counts.c[group.name] for group in question.groups]
    values = [counts.c[name] for name in question.added_columns]
    query = select(counts.c[WINDOW_START], counts.c[WINDOW_END], *groups, *values)
    query = query.order_by(counts.c[WINDOW_START], *groups)
    for start, end, *rest in connection.execute(query.execution_options(yield_per=5_000)):
        yield start, end, rest[: len(groups)], rest[len(groups) :]


def _counts_since(database: Database, since: Checked) -> Select[Any]:
    counts = database.tables.counts
    query = select(counts)
    if since.before is not None:
        query = query.where(counts.c[WINDOW_START] >= datetime.fromisoformat(since.before))
    return query


def _number(connection: Connection, rows: Select[Any], most: int) -> int:
    # Where there are more, one more is all that is read.
    some = rows.with_only_columns(literal(1), maintain_column_froms=True).limit(most + 1).subquery()
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


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
