"""What a drill says: each kill, each recovery, and whether all adds up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from sf_police.store.tables import Books
from sf_police.view import drill
from sf_police.view.drill import Kill
from tests.unit.view.test_tables import cells, drawn

BOOKS = Books(
    offsets=1_000, read=1_000, counted=996, duplicates=4, late=0, rejected=0, stored_counted=996, stored_rejected=0
)
LINE = "books: read 1,000 = counted 996 + duplicates 4 + late 0 + rejected 0"


@pytest.mark.parametrize(
    ("planned", "stored", "committed", "moment"),
    [
        (-1, -1, -1, "no batch planned yet"),
        (0, -1, -1, "batch 0 planned, not stored: it runs again"),
        (5, 4, 4, "batch 5 planned, not stored: it runs again"),
        (5, 5, 4, "batch 5 stored, not committed: it is replayed"),
        (5, 5, 5, "batch 5 complete, the next not planned yet"),
    ],
)
def test_the_moment_that_a_kill_has_hit(planned: int, stored: int, committed: int, moment: str) -> None:
    assert drill.moment(planned=planned, stored=stored, committed=committed) == moment


KILLS = [
    Kill(0.23, drill.moment(planned=5, stored=4, committed=4), 6.21),
    Kill(0.508, drill.moment(planned=123, stored=123, committed=122), 15.94),
    Kill(0.9, "no batch planned yet"),
]


def test_each_kill_is_a_row_that_fits_a_usual_terminal_whole() -> None:
    assert cells(drawn(drill.kills_table(KILLS), 80)) == [
        ["1", "23 %", "batch 5 planned, not stored: it runs again", "6.2 s"],
        ["2", "51 %", "batch 123 stored, not committed: it is replayed", "15.9 s"],
        ["3", "90 %", "no batch planned yet", "never"],
    ]


def test_a_kill_is_said_when_it_happens() -> None:
    assert drill.kill_line(KILLS[0], number=1, kills=3) == (
        "kill 1 of 3, with -9, at 23 %: batch 5 planned, not stored: it runs again"
    )


def outcome(books: Books, wrong: Sequence[str] = ()) -> list[str]:
    return drill.outcome(kills=2, distinct=996, books=books, wrong=wrong, rows="calls")


def test_a_drill_that_has_passed() -> None:
    assert outcome(BOOKS) == [
        LINE,
        "different calls in the file 996 = counted 996",
        "killed 2 times, and nothing is lost or counted twice",
    ]


def test_what_differs_is_said_in_place_of_success() -> None:
    assert outcome(BOOKS, ["read 1"]) == ["THIS DIFFERS: read 1"]


def differences(books: Books, records: int = 1_000, distinct: int = 996) -> list[str]:
    return drill.differences(books, records=records, distinct=distinct, rows="calls")


def test_all_adds_up() -> None:
    assert differences(BOOKS) == []


@pytest.mark.parametrize(
    ("books", "records", "distinct", "line"),
    [
        (replace(BOOKS, stored_counted=995), 1_000, 996, f"{LINE}; THEY DO NOT BALANCE"),
        (BOOKS, 1_001, 996, "read 1,000, but the topic holds 1,001 records"),
        (BOOKS, 1_000, 997, "counted 996, but the file has 997 different calls"),
    ],
)
def test_each_difference_is_a_line(books: Books, records: int, distinct: int, line: str) -> None:
    [found] = differences(books, records, distinct)

    assert found.startswith(line)


def test_what_is_rejected_or_late_may_be_a_duplicate_or_not() -> None:
    books = replace(BOOKS, counted=990, stored_counted=990, rejected=5, stored_rejected=5, late=1)

    assert differences(books) == []
    assert not any("different calls" in line for line in outcome(books))
