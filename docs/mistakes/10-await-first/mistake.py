"""Waits for the first query to end, which it never does, and then starts the second."""

from __future__ import annotations

from pyspark.sql import SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter


def run_both(spark: SparkSession, calls: DataStreamWriter, rejected: DataStreamWriter) -> None:
    """Run both queries until one of them ends."""
    calls.start().awaitTermination()
    rejected.start().awaitTermination()
