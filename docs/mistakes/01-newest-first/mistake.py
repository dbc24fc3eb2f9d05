"""Sends the calls in the order of the file: newest first."""

from __future__ import annotations

import json


def in_sending_order(calls: list[dict[str, str]]) -> list[bytes]:
    """Return the file's calls as they are sent."""
    return [json.dumps(call, separators=(",", ":")).encode() for call in calls]
