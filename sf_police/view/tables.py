"""Turns the rows of the answer, and a topic, into tables that fit the terminal. Pure: `answer` and `commands` print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from sf_police.question import WINDOW_END, WINDOW_START, Question, percent
from sf_police.view.fitted import Column, FittedTable
from sf_police.view.terminal import Row, printable

if TYPE_CHECKING:  # a table of the answer does not need Kafka
    from sf_police.topic.admin import Topic

_SHARE: Final = "share"


def answer_table(rows: Sequence[Row], question: Question, *, total: int | None = None) -> FittedTable:
    """Return a table of a view's rows, or of counts; a window's start and end share one column.

    Args:
        rows: as the store returns them.
        question: whose view it is.
        total: of all records counted; unless None, the table shows each row's share of it.
    """
    return FittedTable(answer_columns(rows, question, total=total))


def answer_columns(rows: Sequence[Row], question: Question, *, total: int | None = None) -> list[Column]:
    """Return the columns of `answer_table`."""
    shown = [with_shares(row, question, total=total) for row in rows]
    return [_column(name, place, shown, question) for place, name in enumerate(_names(shown, question))]


def with_shares(row: Row, question: Question, *, total: int | None = None) -> dict[str, Any]:
    """Return the row with the share of each part of its records, and its own share of a total (0 to 1)."""
    counted, shares = row.get(question.rows), {}
    for name, value in row.items():
        if name.endswith(f"_{question.rows}"):
            share = round(value / counted, 4) if value is not None and counted else None
            shares[f"{name.removesuffix(question.rows)}{_SHARE}"] = share
    if total and counted is not None:
        shares[f"{question.rows}_{_SHARE}"] = round(counted / total, 4)
    return {**row, **shares}


def _names(rows: Sequence[Row], question: Question) -> list[str]:
    # A share stands beside its number.
    names = [name for name in (rows[0] if rows else ()) if name != WINDOW_END and not _is_share(name)]
    shares = {name for name in (rows[0] if rows else ()) if _is_share(name)}
    placed: list[str] = []
    for name in names:
        share = f"{name}_{_SHARE}" if name == question.rows else f"{name.removesuffix(question.rows)}{_SHARE}"
        placed += [name, *({share} & shares)]
    return placed


def _column(name: str, place: int, rows: Sequence[Row], question: Question) -> Column:
    heading = "window" if name == WINDOW_START else "share" if _is_share(name) else question.label(name)
    is_text = _is_text(name, rows, question)
    return Column(
        heading,
        [_cell(name, row, is_text=is_text) for row in rows],
        is_text=is_text,
        rank=_rank(name, question),
        justify="left" if place == 0 or is_text else "right",
    )


def _rank(name: str, question: Question) -> int:
    # What a narrow terminal shows last is the question's own answer.
    if name == question.spread:
        return 0
    if _is_share(name):
        return 3
    return 4 if name.endswith(f"_{question.rows}") else 1 if name.startswith("usual_") else 2


def _is_share(name: str) -> bool:
    return name.endswith(f"_{_SHARE}")


def _is_text(name: str, rows: Sequence[Row], question: Question) -> bool:
    if _is_share(name):
        return False
    found = next((row[name] for row in rows if row[name] is not None), None)
    return isinstance(found, str) if found is not None else not name.endswith(question.rows)


def _cell(name: str, row: Row, *, is_text: bool) -> str:
    value = row[name]
    if name == WINDOW_START:
        return f"{value:%Y-%m-%d %H:%M} - {row[WINDOW_END]:%H:%M}"
    if value is None:
        return "none recorded" if is_text else ""
    if _is_share(name):
        return percent(value)
    return printable(value) if isinstance(value, str) else f"{value:,}"


def topic_table(topic: Topic) -> FittedTable:
    """Return a table of a topic's partitions."""
    rows = [
        (
            str(each.number),
            "none" if each.leader is None else str(each.leader),
            *(f"{number:,}" for number in (each.replicas, each.first_offset, each.next_offset, each.records)),
        )
        for each in topic.partitions
    ]
    headings = {"partition": 0, "leader": 2, "replicas": 3, "first offset": 2, "next offset": 1, "offsets": 0}
    return FittedTable(
        Column(heading, [row[place] for row in rows], rank=rank, justify="right" if place else "left")
        for place, (heading, rank) in enumerate(headings.items())
    )
