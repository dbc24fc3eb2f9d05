"""A table that fits its terminal: where there is no room, it drops whole columns, so that no number is ever cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

# Text may be shortened to this, with an ellipsis.
_SHORTEST_TEXT: Final = 12
# Of a cell: a space on either side and one border.
_FRAME: Final = 3


@dataclass(frozen=True)
class Column:
    """A column of text.

    Args:
        heading: may be broken between words.
        cells: of each row.
        is_text: whether its cells may be shortened.
        rank: columns of higher rank are dropped first; of equal ones the last.
        justify: left, or right as for numbers.
        styles: of each cell; plain unless given.
    """

    heading: str
    cells: Sequence[str]
    is_text: bool = False
    rank: int = 0
    justify: Literal["left", "right"] = "right"
    styles: Sequence[str] = ()

    @property
    def width(self) -> int:
        """The width at which nothing is shortened, and only the heading is broken."""
        return max(map(cell_len, (*self.heading.split(), *self.cells)), default=0)

    @property
    def least_width(self) -> int:
        """The width below which the column is of no use."""
        if not self.is_text:
            return self.width
        return max(min(self.width, _SHORTEST_TEXT), *map(cell_len, self.heading.split()))


class FittedTable:
    """A renderable with those of its columns that fit the console."""

    def __init__(self, columns: Iterable[Column]) -> None:
        self._columns = tuple(columns)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield a table of the columns that fit."""
        columns = fitting(self._columns, options.max_width)
        table = Table(header_style="bold")
        for column, width in zip(columns, widths(columns, options.max_width), strict=True):
            # Folding breaks a line and loses nothing; it is left for terminals too narrow even for one column.
            overflow: Literal["ellipsis", "fold"] = "ellipsis" if column.is_text else "fold"
            table.add_column(Text(column.heading), justify=column.justify, overflow=overflow, width=width)
        for row in zip(*(_cells(column) for column in columns), strict=True):
            table.add_row(*row)
        yield table


def _cells(column: Column) -> list[Text]:
    styles = column.styles or [""] * len(column.cells)
    if not column.is_text:
        return [Text(cell, style) for cell, style in zip(column.cells, styles, strict=True)]
    return [
        Text(cell, style, no_wrap=True, overflow="ellipsis") for cell, style in zip(column.cells, styles, strict=True)
    ]


def fitting(columns: Sequence[Column], width: int) -> list[Column]:
    """Return the columns, in their order, that fit a width without cutting a number; at least the first."""
    kept = list(columns)
    while len(kept) > 1 and 1 + sum(column.least_width + _FRAME for column in kept) > width:
        last = max(range(1, len(kept)), key=lambda place: (kept[place].rank, place))
        del kept[last]
    return kept


def widths(columns: Sequence[Column], width: int) -> list[int]:
    """Return the columns' widths: first headings are broken, then the longest texts shortened, until all fit."""
    found = [max(cell_len(column.heading), column.width) for column in columns]
    found = [min(each, max(width, 1)) if column.is_text else each for each, column in zip(found, columns, strict=True)]
    excess = sum(found) + _FRAME * len(found) + 1 - width
    for place, column in enumerate(columns):
        spare = max(0, min(excess, found[place] - column.width))
        found[place] -= spare
        excess -= spare
    while excess > 0:
        texts = [place for place, each in enumerate(columns) if each.is_text and found[place] > each.least_width]
        if not texts:
            return [max(1, found[0] - excess), *found[1:]]  # one column alone, and no room even for that
        found[max(texts, key=found.__getitem__)] -= 1
        excess -= 1
    return found
