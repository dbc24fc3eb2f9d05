"""Maps the code to its meaning; an unknown code is kept as it is. See `resolution` in `sf_police/calls/columns.py`."""

from __future__ import annotations

from pyspark.sql import DataFrame

from sf_police.calls import transformations


def with_resolution(calls: DataFrame) -> DataFrame:
    """Add `resolution`, the meaning of a call's `disposition`."""
    return calls.transform(transformations.with_resolution)
