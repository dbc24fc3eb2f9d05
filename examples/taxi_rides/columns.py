"""Column -> Column: what a ride's fields mean. Names are nouns of the result."""

from __future__ import annotations

from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from sf_police.spark.strict_json import trimmed

_PAYMENTS: Final = {1: "Card", 2: "Cash", 3: "No charge", 4: "Dispute"}


def zone(pickup_zone: Column) -> Column:
    """Return the zone where a ride starts, trimmed."""
    return trimmed(pickup_zone)


def fare_fault(fare: Column) -> Column:
    """Return why a fare cannot be, or NULL."""
    return F.when(fare < 0, F.lit("fare is below zero"))


def payment(payment_type: Column) -> Column:
    """Return what the payment code means; an unknown code is kept as text."""
    entries = [F.lit(item) for code, meaning in _PAYMENTS.items() for item in (code, meaning)]
    return F.coalesce(F.create_map(*entries)[payment_type], payment_type.cast("string"))
