"""The colours of outcomes, by place: the most frequent have one of their own, the others one, and no vote is grey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

# Of Okabe and Ito, which the colour-blind tell apart.
PALETTE: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8F7A00")
OTHERS: Final = "#9AA7B1"
NO_VOTE: Final = "#6F6F6F"
# Behind all places of the palette.
OTHERS_PLACE: Final = 100
NO_VOTE_PLACE: Final = 101


def most_frequent(total: Mapping[str, int], *, no_vote: str) -> list[str]:
    """Return the outcomes that have a colour of their own, the most frequent first."""
    voting = (name for name in total if not (name and name == no_vote))
    return sorted(voting, key=lambda name: (-total[name], name))[: len(PALETTE)]


def place_of(outcome: str, frequent: Sequence[str], *, no_vote: str) -> int:
    """Return an outcome's place: in the palette, among the others, or as what has no vote."""
    if outcome and outcome == no_vote:
        return NO_VOTE_PLACE
    return frequent.index(outcome) if outcome in frequent else OTHERS_PLACE
