"""Our options of a session, and the user's: which win, and which are joined."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

# Options that are lists, and what is between the items.
_LISTS: Final = {
    "spark.driver.extraJavaOptions": " ",
    "spark.driver.extraClassPath": os.pathsep,
    "spark.jars": ",",
    "spark.redaction.regex": "|",
}


def merged(ours: Mapping[str, str], theirs: Mapping[str, str]) -> dict[str, str]:
    """Return both: theirs win, but a list has ours first, then theirs. Of options for Java, the later one wins."""
    joined = {
        name: f"{ours[name]}{mark}{theirs[name]}" for name, mark in _LISTS.items() if name in ours and name in theirs
    }
    return {**ours, **theirs, **joined}


def java_options_of_driver(options: Mapping[str, str]) -> str:
    """Return the options for the driver's Java among a session's."""
    return " ".join(options.get(f"spark.driver.{kind}JavaOptions", "") for kind in ("default", "extra"))
