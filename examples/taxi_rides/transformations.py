"""DataFrame -> DataFrame: from a ride's fields to what is counted."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from examples.taxi_rides import columns, schema
from sf_police.question import EVENT_TIME, WINDOW_END, WINDOW_START


def accepted_rides(records: DataFrame) -> DataFrame:
    """Add `zone` and `payment` to the fields of records without a fault."""
    return records.withColumns(
        {
            schema.ZONE: columns.zone(F.col(schema.PICKUP_ZONE)),
            schema.PAYMENT: columns.payment(F.col(schema.PAYMENT_TYPE)),
        }
    )


def count_rides_by_window(rides: DataFrame, *, window: str) -> DataFrame:
    """Count rides and sum their fares per tumbling window, zone and payment.

    Args:
        rides: with `event_time`, `zone`, `payment` and `fare` (decimal).
        window: its length, e.g. `15 minutes`; a window includes its start and excludes its end.
    """
    windowed = rides.groupBy(F.window(EVENT_TIME, window), schema.ZONE, schema.PAYMENT)
    return windowed.agg(F.count("*").alias(schema.RIDES), F.sum(schema.FARE).alias(schema.FARE)).select(
        F.col("window.start").alias(WINDOW_START),
        F.col("window.end").alias(WINDOW_END),
        schema.ZONE,
        schema.PAYMENT,
        schema.RIDES,
        schema.FARE,
    )
