"""Sends the calls in the order of events, as the project's producer does."""

from __future__ import annotations

from sf_police.calls import QUESTION
from sf_police.produce.records import event_records


def in_sending_order(calls: list[dict[str, str]]) -> list[bytes]:
    """Return the file's calls as they are sent."""
    return [record.value for record in event_records(calls, QUESTION)]
