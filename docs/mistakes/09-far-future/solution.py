"""Rejects what is more than a day after the record's Kafka timestamp, before the watermark sees it."""

from __future__ import annotations

from pyspark.sql import DataFrame

from sf_police.calls import QUESTION
from sf_police.stream.pipeline import accepted_rows


def accepted(records: DataFrame) -> DataFrame:
    """Return the stream's calls with their `event_time`, each once, without late ones."""
    return accepted_rows(records, question=QUESTION, watermark="10 minutes", in_one_task=True)
