"""Tables on terminals of any width: what is shown of a number is the whole number."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from rich.console import Console, RenderableType

from sf_police.calls import QUESTION
from sf_police.topic.admin import Partition, Topic
from sf_police.view.fitted import Column, fitting
from sf_police.view.tables import answer_table, topic_table, with_shares
from sf_police.view.terminal import printable
from tests.unit.view.test_terminal import HOSTILE, crime_type_row

WINDOW = {
    "window_start": datetime(2018, 10, 12, 23, 30),
    "window_end": datetime(2018, 10, 13),
    "calls": 1_234,
    "crime_types": 5,
    "usual_resolution": "Handled",
    "usual_resolution_calls": 1_000,
}
CRIME_TYPE = {
    "crime_type": "Passing Call of the longest name there is",
    "calls": 35_179,
    "windows": 4_350,
    "usual_resolution": "SFFD Medical Staff Engaged",
    "usual_resolution_calls": 21_418,
}
TOPIC = Topic(
    "calls", "id", "cluster", (Partition(0, 1, 3, 1_000_000, 201_000_000), Partition(1, None, 3, 0, 123_456_789))
)
WIDTHS = (40, 60, 80, 120, 200)


def drawn(renderable: RenderableType, width: int = 120) -> str:
    console = Console(width=width, file=io.StringIO(), force_terminal=False, highlight=False, markup=False)
    console.print(renderable)
    return console.file.getvalue()  # type: ignore[attr-defined]


def cells(shown: str) -> list[list[str]]:
    """The cells of each row below the heading."""
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in shown.splitlines() if line[:1] == "│"]


def headings(shown: str) -> str:
    return " ".join(re.findall(r"\w+", "\n".join(line for line in shown.splitlines() if line[:1] == "┃")))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    ("table", "numbers"),
    [
        (answer_table([WINDOW], QUESTION), {"1,234", "5", "1,000", "81 %", "2018-10-12 23:30 - 00:00"}),
        (answer_table([CRIME_TYPE], QUESTION, total=199_995), {"35,179", "18 %", "4,350", "21,418", "61 %"}),
        (topic_table(TOPIC), {"0", "1", "3", "1,000,000", "201,000,000", "200,000,000", "123,456,789"}),
    ],
    ids=["windows", "crime types", "topic"],
)
def test_every_number_that_is_shown_is_whole(table: RenderableType, numbers: set[str], width: int) -> None:
    shown = drawn(table, width)

    assert max(map(len, shown.splitlines())) <= width
    found = {cell for row in cells(shown) for cell in row if re.match(r"\d", cell)}
    assert found <= numbers
    assert found
    assert found == numbers or width < 120


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (120, [["2018-10-12 23:30 - 00:00", "1,234", "5", "Handled", "1,000", "81 %"]]),
        (80, [["2018-10-12 23:30 - 00:00", "1,234", "5", "Handled", "1,000", "81 %"]]),
        (60, [["2018-10-12 23:30 - 00:00", "1,234", "5", "Handled"]]),
        (40, [["2018-10-12 23:30 - 00:00", "5"]]),
    ],
)
def test_a_narrow_terminal_keeps_the_answer_longest(width: int, shown: list[list[str]]) -> None:
    assert cells(drawn(answer_table([WINDOW], QUESTION), width)) == shown


def test_text_is_shortened_before_a_column_is_dropped() -> None:
    [row] = cells(drawn(answer_table([CRIME_TYPE], QUESTION), 80))

    assert row == ["Passing Call of t…", "35,179", "4,350", "SFFD Medical Staff…", "21,418", "61 %"]


@pytest.mark.parametrize("width", [1, 5, 12, 20])
def test_a_terminal_for_no_column_breaks_the_first_and_loses_no_digit(width: int) -> None:
    shown = drawn(topic_table(TOPIC), width)

    assert "…" not in shown


def column(width: int, rank: int = 0) -> Column:
    return Column("n", ["1" * width], rank=rank)


@pytest.mark.parametrize(
    ("ranks", "width", "kept"),
    [
        ((0, 0, 0), 40, [0, 1, 2]),
        ((0, 0, 0), 39, [0, 1]),
        ((0, 2, 1), 39, [0, 2]),
        ((9, 2, 1), 20, [0]),
        ((0, 1, 1), 0, [0]),
    ],
)
def test_columns_of_the_highest_rank_go_first_and_the_first_column_never(
    ranks: Sequence[int], width: int, kept: list[int]
) -> None:
    columns = [column(10, rank) for rank in ranks]

    assert [columns.index(each) for each in fitting(columns, width)] == [columns.index(columns[n]) for n in kept]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_has_no_effect_in_a_table(name: str) -> None:
    shown = drawn(answer_table([crime_type_row(name)], QUESTION))

    assert printable(name) in shown
    assert all(char.isprintable() or char == "\n" for char in shown)


def test_a_long_text_keeps_the_table_in_its_width() -> None:
    shown = drawn(answer_table([crime_type_row("x" * 10_000)], QUESTION), 100)

    assert max(map(len, shown.splitlines())) <= 100


def test_what_is_not_recorded_is_said_and_has_no_share() -> None:
    rows = [WINDOW, {**WINDOW, "usual_resolution": None, "usual_resolution_calls": None}]

    assert cells(drawn(answer_table(rows, QUESTION)))[1] == [
        "2018-10-12 23:30 - 00:00", "1,234", "5", "none recorded", "", "",
    ]  # fmt: skip


def test_headings_are_words() -> None:
    assert headings(drawn(answer_table([CRIME_TYPE], QUESTION, total=199_995), 160)) == (
        "crime type calls share windows usual resolution its calls share"
    )


@pytest.mark.parametrize(
    ("row", "total", "shares"),
    [
        (WINDOW, None, {"usual_resolution_share": 0.8104}),
        (CRIME_TYPE, 199_995, {"usual_resolution_share": 0.6088, "calls_share": 0.1759}),
        ({**WINDOW, "usual_resolution_calls": None}, None, {"usual_resolution_share": None}),
        ({"crime_type": "x", "calls": 0}, 0, {}),
    ],
)
def test_shares_stand_beside_what_a_view_has(row: dict[str, Any], total: int | None, shares: dict[str, Any]) -> None:
    assert with_shares(row, QUESTION, total=total) == {**row, **shares}
