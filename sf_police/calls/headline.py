"""Puts the answer into words; the figures are computed by `answers.sql` and `store/answers.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sf_police.question import number_of, percent

_WINDOW_NAMES: Final = {"30 minutes": "A half hour", "1 hour": "An hour"}


def headline(figures: Mapping[str, Any]) -> str:
    """Return the answer in one line, and in a second one what it is made of, from the totals over all windows."""
    spread = figures["crime_types_per_window"]
    usual, calls = figures["usual_resolution"], figures["calls"]
    window = _WINDOW_NAMES.get(figures["window"], f"A window of {figures['window']}")
    answer = (
        f"{window} has {number_of(spread['median'], 'crime types')} "
        f"(median; {spread['minimum']:,} to {spread['maximum']:,}). "
    )
    made_of = f"{number_of(calls, 'calls')} of {number_of(figures['crime_types'], 'crime types')} in "
    made_of += number_of(figures["windows"], "windows")
    if usual is None:
        return f"{answer}No call has a recorded resolution.\n{made_of}."
    votes = figures["usual_resolution_calls"]
    return (
        f"{answer}Usual resolution: {usual}, {percent(votes / calls)} of calls.\n"
        f"{made_of}; {usual}: {number_of(votes, 'calls')}."
    )
