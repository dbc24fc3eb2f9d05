"""The answer in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def headline(figures: Mapping[str, Any]) -> str:
    """Tell the answer in three lines, from the totals over all windows."""
    spread = figures["zones_per_window"]
    paid = figures["usual_payment"]
    return (
        f"{figures['rides']:,} rides from {figures['zones']:,} zones in {figures['windows']:,} windows "
        f"earned {figures['fare']:,}.\n"
        f"Zones in a window: minimum {spread['minimum']:,}, median {spread['median']:,g}, "
        f"maximum {spread['maximum']:,}.\n"
        f"Usual payment overall: {paid} ({figures['usual_payment_rides']:,} rides)."
    )
