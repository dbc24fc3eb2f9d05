"""Counts 20,000 calls in micro-batches of 2,000, and among them one whose year is 2118."""

from __future__ import annotations

from types import SimpleNamespace

from docs.mistakes.bench import CALLS, Bench, values
from docs.mistakes.lesson import Result, lost

AFTER = 5_000
HINT = "when did Kafka get the record? Its `timestamp` says so, and nobody reports a call a hundred years ahead"


def check(file: SimpleNamespace, bench: Bench) -> Result:
    """See how many of the others are counted."""
    records = values()
    records.insert(AFTER, records[AFTER].replace(b'"call_date_time":"2018-', b'"call_date_time":"2118-'))
    counted = bench.count(file.accepted(bench.stream(records, rows=2_000)), where="event_time < '2100-01-01'")
    return lost(CALLS - counted, CALLS)
