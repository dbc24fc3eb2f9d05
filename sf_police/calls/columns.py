"""Column -> Column: what a call's fields mean; each function is named after its result. Parsing is done elsewhere."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from sf_police.calls.dispositions import meanings
from sf_police.spark.strict_json import trimmed_column


def crime_type(original_crime_type_name: Column) -> Column:
    """Return the crime type: the name in the file, trimmed."""
    return trimmed_column(original_crime_type_name)


def resolution(disposition: Column) -> Column:
    """Return the meaning of the disposition code; an unknown code is kept as is."""
    code = trimmed_column(disposition)
    entries = [F.lit(text) for item in meanings().items() for text in item]
    return F.coalesce(F.create_map(*entries)[code], code)
