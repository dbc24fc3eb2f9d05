"""Prints the answer, as tables, JSON or CSV, to standard output, and the books to standard error.

The rows come from `store/answers.py`; how they are rendered is in `terminal.py`.
"""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from sf_police.errors import SfPoliceError
from sf_police.question import WINDOW_END, WINDOW_START
from sf_police.store.answers import Row, StoreReader, totals
from sf_police.store.views import OVERALL_ANSWER, WINDOW_ANSWERS, kinds
from sf_police.view import rejected, terminal

_TABLE_ROWS: Final = 10
_WINDOW: Final = "window"


def print_answer(
    store: StoreReader, *, format: str, by: str | None, window_start: datetime | None, limit: int | None
) -> None:
    """Print the answer, or the requested part of it."""
    document = _document(store, by=by, window_start=window_start, limit=limit)
    if format == "json":
        print(terminal.to_json(document))
    elif format == "csv":
        print(terminal.to_csv(document.get(_plural(by or _WINDOW), [])), end="")
    else:
        _print_tables(store, document, limit or _TABLE_ROWS)


def _plural(kind: str) -> str:
    return f"{kind.replace('-', '_')}s"


def _document(store: StoreReader, *, by: str | None, window_start: datetime | None, limit: int | None) -> Row:
    if window_start is not None:
        chosen = store.window_answer(window_start)
        if not chosen:
            raise SfPoliceError(f"nothing was counted in a window that starts at {window_start}")
        return {_plural(_WINDOW): chosen, "counts": store.window_counts(window_start)[:limit]}
    question = store.database.question
    windows = store.answer(WINDOW_ANSWERS)
    [overall] = store.answer(OVERALL_ANSWER)
    document: Row = {"totals": totals(windows, overall, spread=question.spread)}
    for kind, view in kinds(question.answers).items():
        if by in (None, kind):
            document[_plural(kind)] = windows[:limit] if kind == _WINDOW else store.answer(view, limit=limit)
    return document


def _print_tables(store: StoreReader, document: Row, limit: int) -> None:
    question = store.database.question
    for kind in kinds(question.answers):
        if _plural(kind) in document:
            rows = document[_plural(kind)][:limit]
            print_table(f"per {kind.replace('-', ' ')}", terminal.answer_table(rows, question))
    if "counts" in document:
        rows = [_without_window(row) for row in document["counts"]]
        print_table(f"{question.label(question.rows)} in this window", terminal.answer_table(rows, question))
    if document.get("totals", {}).get(question.rows):
        print(terminal.totals_text(document["totals"], question))


def _without_window(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in (WINDOW_START, WINDOW_END)}


def print_result(store: StoreReader, *, limit: int | None = None) -> int:
    """Print the answer and the books; return the exit code: 1 if these do not balance, or every record was rejected."""
    limit, question, books = limit or _TABLE_ROWS, store.database.question, store.books()
    windows = store.answer(WINDOW_ANSWERS, newest=True)
    if windows:
        [overall] = store.answer(OVERALL_ANSWER)
        print_table(f"newest of {len(windows):,} windows", terminal.answer_table(windows[:limit], question))
        for kind, view in kinds(question.answers).items():
            if kind != _WINDOW:
                many = overall.get(_plural(kind))
                heading = f"most frequent {'' if many is None else f'of {many:,} '}{_plural(kind).replace('_', ' ')}"
                print_table(heading, terminal.answer_table(store.answer(view, limit=limit), question))
        print(terminal.totals_text(totals(windows, overall, spread=question.spread), question))
    sys.stdout.flush()
    print(terminal.books_line(books, rows=question.rows), file=sys.stderr, flush=True)
    if books.rejected:
        print(rejected.rejected_line(store, books), file=sys.stderr, flush=True)
    return 0 if books.is_balanced and not books.is_all_rejected else 1


def say_imbalance(store: StoreReader) -> int:
    """Say on standard error that the books do not balance, if they do not; return the exit code."""
    books = store.books()
    if books.is_balanced:
        return 0
    print(terminal.books_line(books, rows=store.database.question.rows), file=sys.stderr, flush=True)
    return 1


def print_table(heading: str, rows: Table) -> None:
    """Print a table under its heading."""
    print(heading, flush=True)
    _console().print(rows)


def _console() -> Console:
    # A pipe has no width, so tables get room to be as wide as their contents.
    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 160)
