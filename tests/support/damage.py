"""Damage that nothing but a comparison with the topic can show: of the file, the counts and the state."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from sf_police.calls import QUESTION
from sf_police.store.database import open_database
from sf_police.store.digest import MODULUS, digest_of_rows
from sf_police.store.integrity import counts_rows


def alter_file(path: Path) -> None:
    """One letter of one record."""
    text = path.read_text()
    at = text.rindex("Passing Call")
    path.write_text(f"{text[:at]}Passing Cell{text[at + len('Passing Call') :]}")


def alter_count(path: Path) -> None:
    """One call more in one row."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "UPDATE counts SET calls = calls + 1 WHERE (window_start, crime_type, resolution) IN (SELECT window_start, "
            "crime_type, resolution FROM counts WHERE crime_type = 'Passing Call' LIMIT 1)"
        )


def move_a_call(path: Path) -> None:
    """One call into another row of its window, with the digests of the store made to agree: all books balance."""
    with closing(sqlite3.connect(path)) as connection, connection:
        window, first, last = connection.execute(
            "SELECT window_start, MIN(crime_type), MAX(crime_type) FROM counts GROUP BY window_start "
            "HAVING COUNT(DISTINCT crime_type) > 1 LIMIT 1"
        ).fetchone()
        for crime_type, added in ((first, 1), (last, -1)):
            connection.execute(
                "UPDATE counts SET calls = calls + ? WHERE window_start = ? AND crime_type = ? AND resolution = "
                "(SELECT MIN(resolution) FROM counts WHERE window_start = ? AND crime_type = ?)",
                (added, window, crime_type, window, crime_type),
            )
        connection.execute("DELETE FROM counts WHERE calls = 0")
    agree(path)


def agree(path: Path) -> None:
    """Make the last micro-batch's digest one with which all add up to that of the counts."""
    database = open_database(f"sqlite:///{path}", QUESTION)
    with database.transaction() as connection:
        wanted = digest_of_rows(counts_rows(connection, database), QUESTION.added_columns)
    database.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        digests = connection.execute("SELECT batch_id, digest FROM batches ORDER BY batch_id").fetchall()
        others = sum(digest for _, digest in digests[:-1])
        connection.execute(
            "UPDATE batches SET digest = ? WHERE batch_id = ?", ((wanted - others) % MODULUS, digests[-1][0])
        )


def swap_state(checkpoint: Path) -> None:
    """The newest state file of a partition replaced by the one before, which is intact, with what belongs to it."""
    folder = checkpoint / "state" / "0" / "0"
    newest, before = sorted((path for path in folder.glob("*.delta")), key=lambda path: int(path.stem))[-1:-3:-1]
    for name in (path.name for path in folder.iterdir() if newest.name in path.name):
        replacement = folder / name.replace(newest.name, before.name)
        shutil.copyfile(replacement, folder / name)
