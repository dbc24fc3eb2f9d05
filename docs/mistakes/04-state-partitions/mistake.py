"""Says nothing about state partitions, so their number is Spark's default of 200."""

from __future__ import annotations


def session_options(rows: int) -> dict[str, str]:
    """Return Spark's options for a stream with state and micro-batches of so many rows."""
    return {"spark.sql.session.timeZone": "UTC"}
