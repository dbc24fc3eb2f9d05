"""Synthetic rides of one week, oldest first. The same number and seed give the same rides, on any machine."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

_START: Final = datetime(2024, 3, 4)
_SECONDS: Final = 7 * 86_400
# Zones, and their share of the pickups.
_ZONES: Final = {"Harbor": 30, "Old Town": 25, "Station": 20, "University": 12, "Airport": 8, "Hillside": 5}


def generate_rides(rides: int, seed: int) -> Iterator[dict[str, Any]]:
    """Generate rides; one in a thousand stands twice, as a meter that was read again would send it."""
    rng = random.Random(seed)
    zones, shares = list(_ZONES), list(_ZONES.values())
    starts = sorted(rng.randrange(_SECONDS) for _ in range(rides - rides // 1000))
    twice = frozenset(rng.sample(range(len(starts)), rides // 1000))
    for number, start in enumerate(starts):
        ride = {
            "ride_id": 7_000_000_000 + number,
            "pickup_time": f"{_START + timedelta(seconds=start):%Y-%m-%dT%H:%M:%S}Z",
            "pickup_zone": rng.choices(zones, shares)[0],
            "dropoff_zone": rng.choices(zones, shares)[0],
            "passengers": rng.choices((1, 2, 3, 4), (70, 18, 8, 4))[0],
            "payment_type": rng.choices((1, 2, 3, 4, 5), (70, 25, 3, 1, 1))[0],
            "fare": rng.randrange(450, 9_000, 5) / 100,
        }
        yield ride
        if number in twice:
            yield ride
