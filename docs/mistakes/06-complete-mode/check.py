"""Counts 20,000 calls in micro-batches of 2,000, and looks at what is written, and at what Spark remembers."""

from __future__ import annotations

from types import SimpleNamespace

from pyspark.sql import DataFrame

from docs.mistakes.bench import CALLS, Bench, accepted_calls, values
from docs.mistakes.lesson import Result, lost
from sf_police.calls.transformations import accepted_calls as with_groups

ROWS = 2_000
HINT = "complete mode writes the whole result each time, and so has to keep it; only update and append can forget"


def check(file: SimpleNamespace, bench: Bench) -> Result:
    """Run the stream into a dict, in which a row replaces the one with the same key."""
    stored: dict[tuple[str, ...], int] = {}
    written: list[int] = []

    def take(frame: DataFrame) -> None:
        rows = frame.selectExpr("string(window_start)", "crime_type", "resolution", "calls").collect()
        stored.update({tuple(row[:3]): row["calls"] for row in rows})
        written.append(len(rows))

    calls = with_groups(accepted_calls(bench.stream(values(), rows=ROWS)))
    query = bench.run(file.counts(calls), take)
    if missing := CALLS - sum(stored.values()):
        return lost(missing, CALLS)
    kept = query.recentProgress[-1].stateOperators[0].numRowsTotal
    is_green = sum(written) <= CALLS and kept <= 2 * ROWS
    return Result(is_green, f"wrote {sum(written):,} rows for {CALLS:,} calls, and remembers {kept:,} in the end")
