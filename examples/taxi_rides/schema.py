"""The names: the fields of a ride as it travels, and the columns that are made of them."""

from __future__ import annotations

from typing import Final

from sf_police.question import Field

RIDE_ID: Final = "ride_id"
PICKUP_TIME: Final = "pickup_time"
PICKUP_ZONE: Final = "pickup_zone"
PAYMENT_TYPE: Final = "payment_type"
FARE: Final = "fare"

# In the order in which files have them.
FIELDS: Final = (
    Field(RIDE_ID, "integer", is_required=True),
    Field(PICKUP_TIME, is_required=True),  # UTC
    Field(PICKUP_ZONE, is_required=True, max_bytes=1_000),
    Field("dropoff_zone"),
    Field("passengers", "integer"),
    Field(PAYMENT_TYPE, "integer", is_required=True),
    Field(FARE, "decimal(8,2)", is_required=True),
)

# What the pipeline makes of them.
ZONE: Final = "zone"
PAYMENT: Final = "payment"
RIDES: Final = "rides"
