"""What a call is counted under, in plain Python: for whoever looks at one call, and does not wait for Spark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sf_police.calls.dispositions import meanings
from sf_police.calls.schema import CRIME_TYPE_NAME, DISPOSITION
from sf_police.question import WHITE_SPACE


def groups_of_call(call: Mapping[str, Any]) -> tuple[str, str]:
    """Return the crime type and the resolution of an accepted call, as `columns.py` makes them."""
    name, code = (call[field].strip(WHITE_SPACE) for field in (CRIME_TYPE_NAME, DISPOSITION))
    return name, meanings().get(code, code)
