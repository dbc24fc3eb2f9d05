"""What a ride is counted under, in plain Python: for whoever looks at one ride, and does not wait for Spark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from examples.taxi_rides.schema import PAYMENT_TYPE, PICKUP_ZONE

PAYMENTS: Final = {1: "Card", 2: "Cash", 3: "No charge", 4: "Dispute"}
_WHITE_SPACE: Final = " \t\n\v\f\r"


def groups_of_ride(ride: Mapping[str, Any]) -> tuple[str, str]:
    """Return the zone and the payment of an accepted ride, as `columns.py` makes them."""
    code = ride[PAYMENT_TYPE]
    return ride[PICKUP_ZONE].strip(_WHITE_SPACE), PAYMENTS.get(code, str(code))
