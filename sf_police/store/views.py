"""Splits a question's `answers.sql` into its views and its totals, by name. `structure.py` creates them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

WINDOW_ANSWERS: Final = "window_answers"
OVERALL_ANSWER: Final = "overall_answer"
# How many windows have a spread of 4, of 5 and so on.
SPREAD_TOTALS: Final = "spread_totals"
_ANSWERS: Final = "_answers"
_TOTALS: Final = "_totals"
_SPAN: Final = "window_start >= :since AND window_start < :until"
# Before and after every window; the last day of all has some, too.
EVER: Final = (datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999))
# With an upper bound, or PostgreSQL would take it for a third of all counts, and read all.
_SETTLED: Final = f"COALESCE((SELECT MAX(until) FROM settled), '{EVER[0]}')"  # noqa: S608
_OPEN: Final = f"window_start >= {_SETTLED} AND window_start < '{EVER[1]}'"


class Totals(NamedTuple):
    """Totals that are kept: those of settled windows in a table, as their statement yields them over these.

    Args:
        name: of the statement, and of the view that adds the open windows.
        keys: its key, which groups the totals.
        values: whole numbers, each a sum over windows.
        query: the statement, over `counts`.
    """

    name: str
    keys: tuple[str, ...]
    values: tuple[str, ...]
    query: str

    @property
    def table(self) -> str:
        """The table's name."""
        return settled_table(self.name)


def queries(answers: str) -> dict[str, str]:
    """Return the SQL of each view (`window_answers`, …, `overall_answer`), without the semicolon."""
    statements = re.findall(r"^-- name: (\w+)\n(.*?);$", answers, re.MULTILINE | re.DOTALL)
    return dict(statements)


@lru_cache(maxsize=8)  # asked for by every micro-batch
def kept_totals(answers: str) -> dict[str, Totals]:
    """Return the totals that are kept, by name: `-- kept: crime_type_totals (crime_type): calls, windows`."""
    found = re.findall(r"^-- kept: (\w+) \(([\w, ]+)\): ([\w, ]+)\n(.*?);$", answers, re.MULTILINE | re.DOTALL)
    return {
        name: Totals(name, tuple(keys.split(", ")), tuple(values.split(", ")), query)
        for name, keys, values, query in found
    }


def statements(answers: str) -> dict[str, str]:
    """Return the SQL of everything, each after what it reads."""
    texts = {**queries(answers), **{name: each.query for name, each in kept_totals(answers).items()}}
    return {name: texts[name] for name in re.findall(r"^-- (?:name|kept): (\w+)", answers, re.MULTILINE)}


def over_span(answers: str, name: str, counts: str) -> str:
    """Return a query of a view, or of totals, over the windows alone that start from `:since` until before `:until`.

    Args:
        answers: the question's.
        name: of the view or the totals.
        counts: the table, with its schema, as what is read instead has its name.
    """
    return _over(answers, name, counts, _SPAN, lambda text: text.replace(":", r"\:"))  # else a parameter's name


def _over(answers: str, name: str, counts: str, windows: str, quoted: Callable[[str], str]) -> str:
    # The statements' own text, over a `counts` that holds these windows alone. The view itself would read the whole
    # store, as SQLite does not apply the bounds in all of its parts.
    texts = {each: quoted(text) for each, text in statements(answers).items()}
    parts = [f"counts AS (SELECT * FROM {counts} WHERE {windows})"]  # noqa: S608
    parts += [f"{each} AS (\n{texts[each]}\n)" for each in _read_by(name, texts)]
    # In a query of its own, as it may begin with a WITH.
    return f"WITH {', '.join(parts)}\nSELECT * FROM (\n{texts[name]}\n) AS answer"


def definitions(answers: str, counts: str) -> dict[str, str]:
    """Return the store's views, each after what it reads: those of the question, and for totals, settled and open ones.

    Args:
        answers: the question's.
        counts: the table, with its schema.
    """
    views, kept = queries(answers), kept_totals(answers)
    return {
        name: views[name] if name in views else _settled_and_open(answers, kept[name], counts)
        for name in statements(answers)
    }


def _settled_and_open(answers: str, totals: Totals, counts: str) -> str:
    keys, columns = ", ".join(totals.keys), ", ".join((*totals.keys, *totals.values))
    sums = ", ".join(f"CAST(SUM({value}) AS BIGINT) AS {value}" for value in totals.values)
    still_open = _over(answers, totals.name, counts, _OPEN, lambda text: text)
    return (
        f"SELECT {keys}, {sums} FROM (\nSELECT {columns} FROM {totals.table}\nUNION ALL\n"  # noqa: S608
        f"SELECT {columns} FROM (\n{still_open}\n) AS still_open\n) AS totals GROUP BY {keys}"
    )


def _read_by(name: str, texts: dict[str, str]) -> list[str]:
    words = set(re.findall(r"\w+", texts[name]))
    direct = [each for each in texts if each in words and each != name]
    return [each for each in texts if each in {*direct, *(more for one in direct for more in _read_by(one, texts))}]


def totals_digests(answers: str) -> dict[str, str]:
    """Return by name of kept totals a digest of what they are made by: those made by another text are not added to."""
    texts = statements(answers)
    made_by = {
        name: " ".join([str(each[:3]), *(texts[one] for one in (*_read_by(name, texts), name))])
        for name, each in kept_totals(answers).items()
    }
    return {name: hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:16] for name, text in made_by.items()}


def is_answer_name(name: str) -> bool:
    """Return whether a question's view, or its kept totals, may be called so."""
    return name == OVERALL_ANSWER or name.endswith((_ANSWERS, _TOTALS))


def settled_table(totals: str) -> str:
    """Return the name of the table with the totals of settled windows."""
    return f"settled_{totals}"


def kinds(answers: str) -> dict[str, str]:
    """Return views by what they have a row for: `{"window": "window_answers", "crime-type": "crime_type_answers"}`."""
    names = [name for name in queries(answers) if name.endswith(_ANSWERS)]
    return {name.removesuffix(_ANSWERS).replace("_", "-"): name for name in names}
