"""A ride as it travels, and what it is counted under."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sf_police.question import WHITE_SPACE, Field

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
PAYMENTS: Final = {1: "Card", 2: "Cash", 3: "No charge", 4: "Dispute"}


def groups_of_ride(ride: Mapping[str, Any]) -> tuple[str, str]:
    """Return the zone and the payment of an accepted ride, as `transformations.py` makes them."""
    code = ride[PAYMENT_TYPE]
    return ride[PICKUP_ZONE].strip(WHITE_SPACE), PAYMENTS.get(code, str(code))
