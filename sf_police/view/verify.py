"""What `verify` has compared: a line for each pair, with the first difference. Values are shown without effect."""

from __future__ import annotations

from typing import Final

from sf_police.store.comparison import Comparison
from sf_police.view import terminal

_PAIRS_WIDTH: Final = 20
_MOST_CHARACTERS: Final = 600


def comparison_line(pair: str, comparison: Comparison) -> str:
    """Return the line of a comparison: `equal`, `DIFFERENT` or `unknown`, the pair, and what was compared."""
    if comparison.difference is not None:
        state, text = "DIFFERENT", comparison.difference
    else:
        state, text = ("equal", comparison.said) if comparison.is_done else ("unknown", comparison.said)
    text = terminal.printable(text)
    text = text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"
    return f"{state:9}  {pair:{_PAIRS_WIDTH}}  {text}"
