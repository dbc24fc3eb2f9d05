"""What people see; hostile text is shown, never acted on."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from typing import Any

import pytest
from rich.console import Console

from sf_police.calls import QUESTION
from sf_police.store.answers import totals
from sf_police.store.tables import Batch, BatchReport, Books
from sf_police.view import terminal

HOSTILE = [
    "<script>alert(1)</script>",
    "=cmd()",
    "\x1b[31mred\x1b]0;title\x07",
    "a\r\nb",
    "../../x",
    "[bold]x[/]",
    "+1",
    "@x",
    "\u202egnp",
]
WINDOW = {
    "window_start": datetime(2018, 10, 12, 23, 30),
    "window_end": datetime(2018, 10, 13),
    "calls": 1234,
    "crime_types": 5,
    "usual_resolution": "Handled",
    "usual_resolution_calls": 1000,
}


def drawn(renderable: Any) -> str:
    console = Console(width=100, file=io.StringIO(), force_terminal=False, highlight=False, markup=False)
    console.print(renderable)
    return console.file.getvalue()  # type: ignore[attr-defined]


def crime_type_row(name: str) -> dict[str, Any]:
    return {"crime_type": name, "calls": 1, "windows": 1, "usual_resolution": name, "usual_resolution_calls": 1}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_has_no_effect_in_a_table(name: str) -> None:
    shown = drawn(terminal.answer_table([crime_type_row(name)], QUESTION))

    assert terminal.printable(name) in shown
    assert all(char.isprintable() or char == "\n" for char in shown)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_has_no_effect_in_csv(name: str) -> None:
    [row] = csv.DictReader(io.StringIO(terminal.to_csv([crime_type_row(name)])))

    assert not row["crime_type"].startswith(("=", "+", "-", "@", "\t", "\r"))
    assert row["crime_type"].removeprefix("'") == terminal.printable(name)


@pytest.mark.parametrize("name", [*HOSTILE, "x" * 10_000])
def test_json_gives_hostile_text_back_as_it_is(name: str) -> None:
    text = terminal.to_json([crime_type_row(name)])

    assert json.loads(text)[0]["crime_type"] == name
    assert text.isascii()
    assert all(char.isprintable() or char == "\n" for char in text)


def test_a_long_text_keeps_the_table_in_its_width() -> None:
    shown = drawn(terminal.answer_table([crime_type_row("x" * 10_000)], QUESTION))

    assert max(len(line) for line in shown.splitlines()) <= 100


def test_windows_table_shows_the_answer_of_a_window() -> None:
    shown = drawn(
        terminal.answer_table([WINDOW, {**WINDOW, "usual_resolution": None, "usual_resolution_calls": None}], QUESTION)
    )

    assert "│ 2018-10-12 23:30 - 00:00 │ 1,234 │           5 │ Handled          │     1,000 │" in shown
    assert "none recorded" in shown


def test_totals() -> None:
    overall = {"windows": 4, "calls": 10, "crime_types": 5, "usual_resolution": "Cancel", "usual_resolution_calls": 2}
    windows = [{"crime_types": number} for number in (3, 2, 1, 1)]

    assert totals(windows, overall, spread="crime_types")["crime_types_per_window"] == {
        "minimum": 1,
        "median": 1.5,
        "maximum": 3,
    }
    assert terminal.totals_text(totals(windows, overall, spread="crime_types"), QUESTION).splitlines() == [
        "10 calls of 5 crime types in 4 windows.",
        "Crime types in a window: minimum 1, median 1.5, maximum 3.",
        "Usual resolution overall: Cancel (2 calls).",
    ]


@pytest.mark.parametrize(("lag", "shown"), [(1500, "1,500"), (0, "0"), (None, "?")])
def test_batch_line(lag: int | None, shown: str) -> None:
    batch = Batch("id", 7, {"0": 0}, {"0": 10}, 10, 5, 2, 2, 1, None, 0.5)

    assert terminal.batch_line(BatchReport(batch, lag, 1234)) == (
        f"batch 7: 10 rows in 0.50 s (20 rows/s), lag {shown}, late 2, duplicates 2, rejected 1, state rows 1,234"
    )


def test_books_that_do_not_balance_are_not_passed_over() -> None:
    books = Books(offsets=12, read=10, counted=6, duplicates=1, late=1, rejected=1, stored_counted=6, stored_rejected=1)

    assert terminal.books_line(books, rows="calls") == (
        "books: read 10 = counted 6 + duplicates 1 + late 1 + rejected 1; offsets without a record 2; "
        "THEY DO NOT BALANCE: the tables hold 6 counted calls and 1 rejected records"
    )


def test_live_view_before_the_first_batch_is_one_line() -> None:
    assert drawn(terminal.live_view([], None, QUESTION)) == "waiting for the first batch\n"
