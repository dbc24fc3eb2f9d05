"""Your turn: reject each record that is not one whole call with a real time, and say why."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

FIELDS = "crime_id string, original_crime_type_name string, call_date_time string, disposition string"


def parse(records: DataFrame) -> DataFrame:
    """Return each record's `offset` and `event_time`, and the `reason` why it is rejected, NULL if it is not."""
    call: Column = F.from_json(F.col("value").cast("string"), FIELDS)
    time = call["call_date_time"].try_cast("timestamp")
    return records.select("offset", time.alias("event_time"), F.lit(None).cast("string").alias("reason"))
