"""Splits a question's `answers.sql` into its views, by name. `database.py` creates them."""

from __future__ import annotations

import re
from typing import Final

WINDOW_ANSWERS: Final = "window_answers"
OVERALL_ANSWER: Final = "overall_answer"
_SUFFIX: Final = "_answers"


def queries(answers: str) -> dict[str, str]:
    """Return the SQL of each view (`window_answers`, …, `overall_answer`), without the semicolon."""
    statements = re.findall(r"^-- name: (\w+)\n(.*?);$", answers, re.MULTILINE | re.DOTALL)
    return dict(statements)


def is_view_name(name: str) -> bool:
    """Return whether a question's view may be called so."""
    return name == OVERALL_ANSWER or name.endswith(_SUFFIX)


def kinds(answers: str) -> dict[str, str]:
    """Return views by what they have a row for: `{"window": "window_answers", "crime-type": "crime_type_answers"}`."""
    names = [name for name in queries(answers) if name.endswith(_SUFFIX)]
    return {name.removesuffix(_SUFFIX).replace("_", "-"): name for name in names}
