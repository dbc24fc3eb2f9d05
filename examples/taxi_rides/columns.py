"""Column -> Column: what a ride's fields mean. Names are nouns of the result."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from examples.taxi_rides.groups import PAYMENTS
from sf_police.spark.strict_json import trimmed


def zone(pickup_zone: Column) -> Column:
    """Return the zone where a ride starts, trimmed."""
    return trimmed(pickup_zone)


def fare_fault(fare: Column) -> Column:
    """Return why a fare cannot be, or NULL."""
    return F.when(fare < 0, F.lit("fare is below zero"))


def payment(payment_type: Column) -> Column:
    """Return what the payment code means; an unknown code is kept as text."""
    entries = [F.lit(item) for code, meaning in PAYMENTS.items() for item in (code, meaning)]
    return F.coalesce(F.create_map(*entries)[payment_type], payment_type.cast("string"))
