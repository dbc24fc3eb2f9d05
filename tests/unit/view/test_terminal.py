"""What people see; hostile text is shown, never acted on."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

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


def crime_type_row(name: str) -> dict[str, Any]:
    return {"crime_type": name, "calls": 1, "windows": 1, "usual_resolution": name, "usual_resolution_calls": 1}


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


def test_totals() -> None:
    overall = {"windows": 4, "calls": 10, "crime_types": 5, "usual_resolution": "Cancel", "usual_resolution_calls": 2}
    window = {"window_start": datetime(2018, 10, 12), "window_end": datetime(2018, 10, 12, 0, 30)}
    windows = [{**window, "crime_types": number} for number in (3, 2, 1, 1)]

    figures = totals(windows, overall, spread="crime_types")

    assert figures == {
        **overall, "window": "30 minutes", "crime_types_per_window": {"minimum": 1, "median": 1.5, "maximum": 3},
    }  # fmt: skip
    assert terminal.totals_text(figures, QUESTION).splitlines() == [
        "A half hour has 1.5 crime types (median; 1 to 3). Usual resolution: Cancel, 20 % of calls.",
        "10 calls of 5 crime types in 4 windows; Cancel: 2 calls.",
    ]


@pytest.mark.parametrize(
    ("minutes", "length"),
    [(1, "1 minute"), (1.5, "90 seconds"), (15, "15 minutes"), (60, "1 hour"), (180, "3 hours"), (1440, "1 day")],
)
def test_the_totals_name_the_length_of_a_window_as_its_setting_does(minutes: float, length: str) -> None:
    start = datetime(2018, 10, 12)
    window = {"window_start": start, "window_end": start + timedelta(minutes=minutes), "crime_types": 1}

    assert totals([window], {}, spread="crime_types")["window"] == length


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (99, "99 s"), (100, "2 min"), (5999, "100 min"), (13_248, "3.7 h")]
)
def test_a_duration_is_as_people_say_it(seconds: float, text: str) -> None:
    assert terminal.duration(seconds) == text


@pytest.mark.parametrize(("lag", "shown"), [(1500, "1,500"), (0, "0"), (None, "?")])
def test_batch_line(lag: int | None, shown: str) -> None:
    batch = Batch("id", 7, {"0": 0}, {"0": 10}, 10, 5, 2, 2, 1, None, 0.5, lag=lag, state_rows=1234)

    assert terminal.batch_line(BatchReport(batch)) == (
        f"batch 7: 10 rows in 0.50 s (20 rows/s), lag {shown}, late 2, duplicates 2, rejected 1, state rows 1,234"
    )


def test_books_that_do_not_balance_are_not_passed_over() -> None:
    books = Books(offsets=12, read=10, counted=6, duplicates=1, late=1, rejected=1, stored_counted=6, stored_rejected=1)

    assert terminal.books_line(books, rows="calls") == (
        "books: read 10 = counted 6 + duplicates 1 + late 1 + rejected 1; offsets without a record 2; "
        "THEY DO NOT BALANCE: the tables hold 6 counted calls and 1 rejected records"
    )


def test_books_say_what_is_no_longer_kept_one_by_one() -> None:
    books = Books(12, 12, 9, 1, 1, 1, stored_counted=9, stored_rejected=1, expired_batches=1_000)

    assert terminal.books_line(books, rows="calls").endswith(
        "+ rejected 1; 1,000 micro-batches no longer kept one by one (RETENTION)"
    )
    assert terminal.books_line(replace(books, expired_batches=1, expired_rejected=1), rows="calls").endswith(
        "; 1 micro-batch and 1 rejected record no longer kept one by one (RETENTION)"
    )


def test_a_question_without_words_of_its_own_has_its_figures_named() -> None:
    question = replace(QUESTION, headline=None, labels={"usual_resolution_calls": "its calls"})
    spread = {"minimum": 1, "median": 2.5, "maximum": 1_300}
    figures = {
        "calls": 12_345, "windows": 1, "crime_types": 7, "usual_resolution": None, "usual_resolution_calls": "\x07",
        "crime_types_per_window": spread, "window": "15 minutes",
    }  # fmt: skip

    assert terminal.totals_text(figures, question) == (
        "A window of 15 minutes has 2.5 crime types (median; 1 to 1,300).\n"
        "calls: 12,345; windows: 1; crime types: 7; usual resolution: none; its calls: \\x07."
    )
