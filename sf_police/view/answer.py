"""Prints the answer, as tables, JSON or CSV, to standard output, and the books to standard error.

The rows come from `store/answers.py`; how they are rendered is in `terminal.py`. One rule of order: a limit takes the
newest windows; tables show the newest first, for people, while JSON and CSV are in time order.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from rich.console import Console, RenderableType

from sf_police.errors import SfPoliceError
from sf_police.output import say
from sf_police.question import WINDOW_END, WINDOW_START, plural
from sf_police.store.answers import Row, StoreReader, totals
from sf_police.store.tables import Books
from sf_police.store.views import OVERALL_ANSWER, kinds
from sf_police.view import rejected, tables, terminal

_TABLE_ROWS: Final = 10
_FEWEST_ROWS: Final = 3
# Lines of the whole answer on a screen, besides the rows of its tables: headline, headings, borders, books, prompt.
_OTHER_LINES: Final = 5
_LINES_PER_TABLE: Final = 5
WINDOW: Final = "window"


def print_answer(
    store: StoreReader, *, format: str, by: str | None, window_start: datetime | None, limit: int | None
) -> None:
    """Print the answer, or the requested part of it."""
    if format == "table" and window_start is None:
        limit = limit or table_rows(1 if by else len(kinds(store.database.question.answers)))
    document = _document(store, by=by, window_start=window_start, limit=limit)
    if format == "csv":
        kind = by or WINDOW
        rows = document[_plural(kind)]
        columns = () if rows else store.columns(kinds(store.database.question.answers)[kind])
        print(terminal.to_csv(rows, columns=columns), end="")
    elif format == "json":
        print(terminal.to_json(_with_shares(store, document)))
    else:
        _print_tables(store, document)


def _plural(kind: str) -> str:
    return plural(kind.replace("-", "_"))


def _document(store: StoreReader, *, by: str | None, window_start: datetime | None, limit: int | None) -> Row:
    if window_start is not None:
        chosen = store.window_answer(window_start)
        if not chosen:
            raise SfPoliceError(f"nothing was counted in a window that starts at {window_start}")
        return {_plural(WINDOW): chosen, "counts": store.window_counts(window_start)[:limit]}
    question = store.database.question
    [overall], spread = store.answer(OVERALL_ANSWER), store.spread()
    newest = store.newest_windows(limit or 1)
    document: Row = {"totals": totals(newest, overall, spread=question.spread, windows=spread)}
    for kind, view in kinds(question.answers).items():
        if by not in (None, kind):
            continue
        # In time order. The view would read the whole store, even for a few.
        document[_plural(kind)] = newest[::-1] if kind == WINDOW and limit else store.answer(view, limit=limit)
    return document


def _with_shares(store: StoreReader, document: Row) -> Row:
    question = store.database.question
    shared: Row = {}
    for name, value in document.items():
        if name == "totals":
            shared[name] = tables.with_shares(value, question)
        else:
            total = None if name == _plural(WINDOW) else _total(store, document)
            shared[name] = [tables.with_shares(row, question, total=total) for row in value]
    return shared


def _total(store: StoreReader, document: Row) -> int:
    # Of all windows, or of the one window asked for.
    whole = document["totals"] if "totals" in document else document[_plural(WINDOW)][0]
    return int(whole[store.database.question.rows])


def _print_tables(store: StoreReader, document: Row) -> None:
    """Print a document: the answer in words, then each of its tables."""
    question = store.database.question
    if document.get("totals", {}).get(question.rows):
        print(terminal.totals_text(document["totals"], question))
    for kind in (kind for kind in kinds(question.answers) if _plural(kind) in document):
        rows = document[_plural(kind)]
        if kind == WINDOW:
            windows = sum(store.spread().values()) if "totals" in document else 1
            print_table(_windows_heading(windows), tables.answer_table(rows[::-1], question))
        else:
            table = tables.answer_table(rows, question, total=_total(store, document))
            print_table(_heading(kind, document["totals"]), table)
    if "counts" in document:
        rows = [_without_window(row) for row in document["counts"]]
        table = tables.answer_table(rows, question, total=_total(store, document))
        print_table(f"{question.label(question.rows)} in this window", table)


def _windows_heading(windows: int) -> str:
    return f"newest of {windows:,} windows" if windows > 1 else "window"


def _heading(kind: str, totals: Row) -> str:
    many = totals.get(_plural(kind))
    return f"most frequent {'' if many is None else f'of {many:,} '}{_plural(kind).replace('_', ' ')}"


def _without_window(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in (WINDOW_START, WINDOW_END)}


def table_rows(tables: int) -> int:
    """Return how many rows each of some tables has: on a terminal the headline above them should not scroll off."""
    if not sys.stdout.isatty():
        return _TABLE_ROWS
    room = Console().height - _OTHER_LINES - _LINES_PER_TABLE * tables
    return min(_TABLE_ROWS, max(_FEWEST_ROWS, room // max(tables, 1)))


def print_result(store: StoreReader, *, limit: int | None = None) -> int:
    """Print the answer and the books; return the exit code: 1 if these do not balance."""
    books = store.books()
    if store.newest_windows(1):
        print_answer(store, format="table", by=None, window_start=None, limit=limit)
    elif not books.read:
        say("no record has been counted yet: `make topic-inspect` shows what is in the topic")
    sys.stdout.flush()
    say_books(books, rows=store.database.question.rows)
    if books.rejected:
        say(rejected.rejected_line(store, books), rejected=books.rejected)
    return 0 if books.is_balanced else 1


def print_run(store: StoreReader) -> int:
    """Print the result of a run; return its exit code: 1 also if every record was rejected."""
    code = print_result(store)
    return 1 if store.books().is_all_rejected else code


def say_imbalance(store: StoreReader) -> int:
    """Say on standard error that the books do not balance, if they do not; return the exit code."""
    books = store.books()
    if books.is_balanced:
        return 0
    say_books(books, rows=store.database.question.rows)
    return 1


def say_books(books: Books, *, rows: str) -> None:
    """Say where the records went."""
    level = "info" if books.is_balanced else "error"
    say(terminal.books_line(books, rows=rows), level=level, is_balanced=books.is_balanced, **asdict(books))


def print_table(heading: str, rows: RenderableType) -> None:
    """Print a table under its heading."""
    print(heading, flush=True)
    _console().print(rows)


def _console() -> Console:
    # A pipe has no width, so tables get room to be as wide as their contents.
    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 160)
