"""Gives 20,000 calls their resolution, and sees which of them have one."""

from __future__ import annotations

from types import SimpleNamespace

from docs.mistakes.bench import CALLS, Bench, accepted_calls, values
from docs.mistakes.lesson import Result, lost

HINT = "an inner join keeps a row only if both sides have it. Some codes are in no table, and some calls have none"


def check(file: SimpleNamespace, bench: Bench) -> Result:
    """Count the calls that have a resolution; each is to be there once."""
    calls = file.with_resolution(accepted_calls(bench.frame(values())))
    asked = ("count(*)", "count(resolution)", "count(DISTINCT crime_id, event_time)")
    rows, with_resolution, different = calls.selectExpr(*asked).first()
    if rows > with_resolution:
        return Result(False, f"{rows - with_resolution:,} of {CALLS:,} calls have no resolution")
    if rows > different:
        return Result(False, f"{rows - different:,} of {CALLS:,} calls are there a second time")
    return lost(CALLS - rows, CALLS)
