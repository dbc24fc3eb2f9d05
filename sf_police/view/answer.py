"""Prints the answer: to standard output as a table, JSON or CSV; the books to standard error."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from sf_police.errors import SfPoliceError
from sf_police.store.writer import Store
from sf_police.view import terminal

_TABLE_ROWS: Final = 10


def answer(store: Store, *, format: str, by: str | None, window_start: datetime | None, limit: int | None) -> None:
    """Print the answer, or the part of it that was asked for."""
    document = _document(store, by=by, window_start=window_start, limit=limit)
    if format == "json":
        print(terminal.to_json(document))
    elif format == "csv":
        print(terminal.to_csv(document.get("crime_types" if by == "crime-type" else "windows", [])), end="")
    else:
        _print_tables(document, limit or _TABLE_ROWS)


def _document(store: Store, *, by: str | None, window_start: datetime | None, limit: int | None) -> dict[str, Any]:
    windows = store.answers("window_answers", order_by="window_start")
    [overall] = store.answers("overall_answer", order_by="calls")
    if window_start is not None:
        chosen = [row for row in windows if row["window_start"] == window_start]
        if not chosen:
            raise SfPoliceError(f"no call was counted in a window that starts at {window_start}")
        return {"windows": chosen, "counts": store.window_counts(window_start)[:limit]}
    document: dict[str, Any] = {"totals": terminal.totals(windows, overall)}
    if by != "crime-type":
        document["windows"] = windows[:limit]
    if by != "window":
        order = "calls DESC, crime_type"
        document["crime_types"] = store.answers("crime_type_answers", order_by=order, limit=limit)
    return document


def _print_tables(document: dict[str, Any], limit: int) -> None:
    if "windows" in document:
        table("per window", terminal.windows_table(document["windows"][:limit]))
    if "counts" in document:
        table("its calls", terminal.counts_table(document["counts"]))
    if "crime_types" in document:
        table("per crime type", terminal.crime_types_table(document["crime_types"][:limit]))
    if "totals" in document:
        print(terminal.totals_text(document["totals"]))


def result(store: Store, *, limit: int | None = None) -> int:
    """Print the answer and the books; gives the exit code: 1 when the books do not balance."""
    limit = limit or _TABLE_ROWS
    books = store.books()
    windows = store.answers("window_answers", order_by="window_start DESC")
    if windows:
        [overall] = store.answers("overall_answer", order_by="calls")
        crime_types = store.answers("crime_type_answers", order_by="calls DESC, crime_type", limit=limit)
        table(f"newest of {len(windows):,} windows", terminal.windows_table(windows[:limit]))
        table(f"most frequent of {overall['crime_types']:,} crime types", terminal.crime_types_table(crime_types))
        print(terminal.totals_text(terminal.totals(windows, overall)))
    sys.stdout.flush()
    print(terminal.books_line(books), file=sys.stderr, flush=True)
    return 0 if books.is_balanced else 1


def table(heading: str, rows: Table) -> None:
    """Print a table under its heading."""
    print(heading, flush=True)
    _console().print(rows)


def _console() -> Console:
    # A pipe has no width: tables are then as wide as what is in them.
    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 160)
