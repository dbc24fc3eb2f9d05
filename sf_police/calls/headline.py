"""Puts the answer into words; the figures are computed by `answers.sql` and `store/answers.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def headline(figures: Mapping[str, Any]) -> str:
    """Return the answer in three lines, from the totals over all windows."""
    spread = figures["crime_types_per_window"]
    usual = figures["usual_resolution"]
    return (
        f"{figures['calls']:,} calls of {figures['crime_types']:,} crime types in {figures['windows']:,} windows.\n"
        f"Crime types in a window: minimum {spread['minimum']:,}, median {spread['median']:,g}, "
        f"maximum {spread['maximum']:,}.\n"
        + (
            f"Usual resolution overall: {usual} ({figures['usual_resolution_calls']:,} calls)."
            if usual is not None
            else "No call has a recorded resolution."
        )
    )
