"""Your turn: run both queries at the same time."""

from __future__ import annotations

from pyspark.sql import SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter


def run_both(spark: SparkSession, calls: DataStreamWriter, rejected: DataStreamWriter) -> None:
    """Run both queries until one of them ends."""
    calls.start().awaitTermination()
    rejected.start().awaitTermination()
