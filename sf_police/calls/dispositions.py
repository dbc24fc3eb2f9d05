"""What the police radio's disposition codes mean: `radio_codes.json`, read once."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Final

# What the file says where nobody wrote a disposition down. It is kept as a resolution of its own,
# but takes no part in the vote for the usual one (`answers.sql`).
NOT_RECORDED: Final = "Not recorded"


@cache
def meanings() -> dict[str, str]:
    """Meaning of each known code. Two codes (`CAN`, `22`) share one; a code not in it speaks for itself.

    In the order of how many calls have them: Spark compares a code with one after the other.
    """
    codes: dict[str, str] = json.loads((files(__package__) / "radio_codes.json").read_text("utf-8"))
    return codes
