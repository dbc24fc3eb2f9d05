"""Starts both queries, then waits for either."""

from __future__ import annotations

from pyspark.sql import SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter


def run_both(spark: SparkSession, calls: DataStreamWriter, rejected: DataStreamWriter) -> None:
    """Run both queries until one of them ends."""
    calls.start()
    rejected.start()
    spark.streams.awaitAnyTermination()
