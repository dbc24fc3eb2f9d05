"""Counts in complete mode: no call is ever late, as nothing is ever forgotten."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql.streaming.readwriter import DataStreamWriter

from sf_police.calls.transformations import count_calls_by_window


def counts(calls: DataFrame) -> DataStreamWriter:
    """Define the stream of counts per 30 minutes, crime type and resolution; whoever stores them replaces rows."""
    watched = calls.withWatermark("event_time", "10 minutes")
    return watched.transform(count_calls_by_window, window="30 minutes").writeStream.outputMode("complete")
