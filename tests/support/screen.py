"""A terminal's screen, as far as this program uses one: what a person sees after some bytes, and after a resize."""

from __future__ import annotations

import re

# A control sequence, whole or cut off where the bytes so far end; or one character.
_TOKENS = re.compile(
    r"\x1b\[(?P<number>[0-9;?]*)(?P<command>[A-Za-z])|(?P<cut>\x1b(?:\[[0-9;?]*)?$)|(?P<char>.)", re.DOTALL
)


class Screen:
    """Rows of characters and a cursor. Resized, one that reflows breaks its old rows anew; another one cuts them."""

    def __init__(self, columns: int, lines: int, *, reflows: bool = True) -> None:
        self.columns, self.lines, self.reflows = columns, lines, reflows
        self._rows, self._x, self._y = [""] * lines, 0, 0
        self._rest = ""

    @property
    def shown(self) -> list[str]:
        """The rows down to the last one that is not blank."""
        return "\n".join(row.rstrip() for row in self._rows).rstrip("\n").split("\n")

    def feed(self, text: str) -> None:
        """Show what a program writes; a line end is one for a terminal in its usual mode, where it implies a return."""
        text, self._rest = self._rest + text, ""
        for token in _TOKENS.finditer(text):
            if token["cut"]:
                self._rest = token["cut"]
            elif token["command"]:
                self._obey(token["command"], token["number"])
            elif token["char"] == "\n":
                self._next_line()
            elif token["char"] == "\r":
                self._x = 0
            else:
                self._put(token["char"])

    def resize(self, columns: int, lines: int) -> None:
        rows = [row.rstrip() for row in self._rows[: self._y + 1]]
        if self.reflows:
            rows = [row[at : at + columns] for row in rows for at in range(0, max(len(row), 1), columns)]
        rows = [row[:columns] for row in rows][-lines:]
        self.columns, self.lines = columns, lines
        self._x, self._y = min(self._x, columns), len(rows) - 1
        self._rows = rows + [""] * (lines - len(rows))

    def _obey(self, command: str, number: str) -> None:
        if command == "F":
            self._x, self._y = 0, max(0, self._y - int(number or 1))
        elif command == "H" and not number:
            self._x, self._y = 0, 0
        elif command == "J" and not number:
            self._rows[self._y] = self._rows[self._y][: self._x]
            self._rows[self._y + 1 :] = [""] * (self.lines - self._y - 1)
        elif command == "J" and number == "2":
            self._rows = [""] * self.lines
        elif command == "A":
            self._y = max(0, self._y - int(number or 1))
        elif command == "K" and number == "2":
            self._rows[self._y] = ""
        elif command != "m" and not number.startswith("?"):  # a style; a mode, such as whether the cursor is seen
            raise ValueError(f"no terminal of the tests knows CSI {number}{command}")

    def _next_line(self) -> None:
        self._x, self._y = 0, self._y + 1
        if self._y == self.lines:
            self._rows, self._y = [*self._rows[1:], ""], self.lines - 1

    def _put(self, char: str) -> None:
        if self._x == self.columns:  # only the character after the last column starts a new row
            self._next_line()
        row = self._rows[self._y].ljust(self._x)
        self._rows[self._y] = row[: self._x] + char + row[self._x + 1 :]
        self._x += 1
