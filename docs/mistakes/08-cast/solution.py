"""Parses as the project does: exactly one JSON object, every required field once, a time of one form that exists."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sf_police.calls import QUESTION
from sf_police.stream.pipeline import validated_records


def parse(records: DataFrame) -> DataFrame:
    """Return each record's `offset` and `event_time`, and the `reason` why it is rejected, NULL if it is not."""
    validated = validated_records(records, question=QUESTION)
    return validated.select(F.col("_offset").alias("offset"), "event_time", "reason")
