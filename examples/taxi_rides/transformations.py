"""From a ride's fields to what is counted."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from examples.taxi_rides.schema import PAYMENT, PAYMENT_TYPE, PAYMENTS, PICKUP_ZONE, ZONE
from sf_police.spark.strict_json import trimmed_column


def payment(payment_type: Column) -> Column:
    """Return what the payment code means; an unknown code is kept as text."""
    entries = [F.lit(item) for code, meaning in PAYMENTS.items() for item in (code, meaning)]
    return F.coalesce(F.create_map(*entries)[payment_type], payment_type.cast("string"))


def accepted_rides(records: DataFrame) -> DataFrame:
    """Add `zone`, trimmed, and `payment` to the fields of records without a fault."""
    return records.withColumns({ZONE: trimmed_column(F.col(PICKUP_ZONE)), PAYMENT: payment(F.col(PAYMENT_TYPE))})
