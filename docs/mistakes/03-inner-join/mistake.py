"""Joins the calls with the table of disposition codes."""

from __future__ import annotations

from pyspark.sql import DataFrame

from sf_police.calls.dispositions import meanings


def with_resolution(calls: DataFrame) -> DataFrame:
    """Add `resolution`, the meaning of a call's `disposition`."""
    codes = calls.sparkSession.createDataFrame(list(meanings().items()), "disposition string, resolution string")
    return calls.join(codes, "disposition")
