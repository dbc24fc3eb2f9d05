"""Reads `answers.sql`: the text of each view, by name."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files


@cache
def queries() -> dict[str, str]:
    """SQL of `window_answers`, `crime_type_answers` and `overall_answer`, without the semicolon."""
    text = (files("sf_police.calls") / "answers.sql").read_text("utf-8")
    statements = re.findall(r"^-- name: (\w+)\n(.*?);$", text, re.MULTILINE | re.DOTALL)
    return dict(statements)
