"""The answer in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sf_police.question import number_of, percent


def headline(figures: Mapping[str, Any]) -> str:
    """Return the answer in one line, and in a second one what it is made of, from the totals over all windows."""
    spread = figures["zones_per_window"]
    paid, rides, votes = figures["usual_payment"], figures["rides"], figures["usual_payment_rides"]
    return (
        f"In {figures['window']} rides start in {number_of(spread['median'], 'zones')} "
        f"(median; {spread['minimum']:,} to {spread['maximum']:,}). "
        f"Usual payment: {paid}, {percent(votes / rides)} of rides.\n"
        f"{number_of(rides, 'rides')} from {number_of(figures['zones'], 'zones')} in "
        f"{number_of(figures['windows'], 'windows')} "
        f"earned {figures['fare']:,}; {paid}: {number_of(votes, 'rides')}."
    )
