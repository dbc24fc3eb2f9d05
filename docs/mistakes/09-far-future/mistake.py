"""Believes every time: the latest one moves the watermark, whatever it is."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

FIELDS = "crime_id string, original_crime_type_name string, call_date_time string, disposition string"


def accepted(records: DataFrame) -> DataFrame:
    """Return the stream's calls with their `event_time`, each once, without late ones."""
    call = F.from_json(F.col("value").cast("string"), FIELDS)
    calls = records.select(call.alias("call")).select("call.*")
    timed = calls.withColumn("event_time", F.try_to_timestamp("call_date_time"))
    return timed.withWatermark("event_time", "10 minutes").dropDuplicates(["crime_id", "event_time"])
