"""The meanings of the police radio's disposition codes, read once from `radio_codes.json`."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Final

# The file's own text for a missing disposition. It is kept as a resolution, but has no vote on the usual one
# (`answers.sql`).
NOT_RECORDED: Final = "Not recorded"


@cache
def meanings() -> dict[str, str]:
    """Return the meaning of each known code; two codes (`CAN`, `22`) share one.

    The most frequent codes come first, because Spark tries them one after the other.
    """
    codes: dict[str, str] = json.loads((files(__package__) / "radio_codes.json").read_text("utf-8"))
    return codes
