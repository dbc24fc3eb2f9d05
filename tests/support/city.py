"""A city for tests: calls that come in, change in place, are decided and leave the feed, by a clock of its own."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sf_police.feed.feeds import Feed, feed_named
from tests.support.socrata import Row

BEGIN = datetime(2026, 5, 1)
HELD = timedelta(hours=48)
TYPES = ("FIGHT", "TRAFFIC STOP", "SUSPICIOUS PERSON", "NOISE NUISANCE", "WELL BEING CHECK")
CODES = ("HAN", "ADV", "GOA", "CIT", "REP", "ABC")


def text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000")


@dataclass(frozen=True)
class CityCall:
    """A call: its row changes when it gets its final type, and when it is decided; None: never."""

    id: str
    received: datetime
    original: str
    final: str
    retyped: datetime
    code: str
    decided: datetime | None

    def row(self, now: datetime) -> Row:
        """Its row at a moment; a null is left out by the server."""
        is_retyped = now >= self.retyped
        return {
            "id": f"39{self.id}",
            "cad_number": self.id,
            "received_datetime": text(self.received),
            "call_type_original_desc": self.original,
            "call_type_final_desc": self.final if is_retyped else None,
            "disposition": self.code if self.decided and now >= self.decided else None,
            "call_last_updated_at": text(now),
        }

    def as_counted(self, open_after: timedelta) -> dict[str, str]:
        """The call as it is to be counted, if the feed is asked often."""
        is_open = self.decided is None or self.decided - self.received >= open_after
        return {
            "crime_id": self.id,
            "original_crime_type_name": self.final,
            "call_date_time": text(self.received),
            "disposition": "Open" if is_open else self.code,
        }


def calls(count: int, days: float, seed: int) -> list[CityCall]:
    """Calls of some days, some of them open for ever or for longer than a day; then one an hour, decided at once.

    Those of the last 36 hours let the feed's clock go on until the others are all due.
    """
    rng = random.Random(seed)
    made = []
    for number in range(count):
        received = BEGIN + timedelta(seconds=round(rng.random() * days * 86_400))
        lasts = timedelta(hours=rng.choice([0, 0.1, 0.3, 0.5, 1, 2, 5, 12, 18]) + rng.random())
        kind = rng.random()
        decided = None if kind < 0.02 else received + (timedelta(hours=45) if kind < 0.04 else lasts)
        original, final = rng.choice(TYPES), rng.choice(TYPES)
        retyped = received + rng.random() * (lasts if decided else timedelta(hours=1))
        made.append(CityCall(f"26{number:07}", received, original, final, retyped, rng.choice(CODES), decided))
    for hour in range(36):
        received = BEGIN + timedelta(days=days, hours=hour)
        made.append(CityCall(f"27{hour:07}", received, TYPES[0], TYPES[0], received, CODES[0], received))
    return sorted(made, key=lambda call: call.received)


class City:
    """The live data set: what it holds at the moment of its clock.

    Args:
        calls: all that ever come in, by their times.
        step: how far its clock goes on with each request; so that a busy machine makes nothing of a test different.
    """

    def __init__(self, calls: Sequence[CityCall], *, step: timedelta = timedelta()) -> None:
        self.calls, self.step, self.now = list(calls), step, BEGIN
        self._times = [text(call.received) for call in self.calls]
        self.columns = ["id", "call_last_updated_at", *FEED.columns]

    def between(self, column: str, start: str, end: str) -> list[Row]:
        assert column == FEED.time
        self.now += self.step
        now = self.now
        first, last = (
            bisect_left(self._times, max(start, text(now - HELD))),
            bisect_left(self._times, min(end, text(now))),
        )
        return [call.row(now) for call in self.calls[first:last]]


FEED: Feed = feed_named("sf-live")


class ManyRows:
    """Rows that are made as they are asked for: a call every few seconds, each tenth at the time of the one before.

    Args:
        count: how many there are.
        begin: when the first one is.
        seconds: between one and the next.
    """

    def __init__(self, count: int, *, begin: datetime = BEGIN, seconds: int = 5) -> None:
        self.count, self._begin, self._seconds = count, begin, seconds
        self.columns = list(feed_named("sf-closed").columns)

    def time_of(self, number: int) -> str:
        return text(self._begin + timedelta(seconds=(number - (number % 10 == 9)) * self._seconds))

    def between(self, column: str, start: str, end: str) -> Sequence[Row]:
        numbers = range(self.count)
        return _Made(self, bisect_left(numbers, start, key=self.time_of), bisect_left(numbers, end, key=self.time_of))

    def row(self, number: int) -> Row:
        return {
            "cad_number": f"26{number:07}",
            "received_datetime": self.time_of(number),
            "call_type_original_desc": TYPES[number % 5],
            "call_type_final_desc": TYPES[number % 3] if number % 7 else None,
            "disposition": CODES[number % 6] if number % 11 else None,
        }


class _Made(Sequence[Row]):
    def __init__(self, rows: ManyRows, first: int, last: int) -> None:
        self._rows, self._first, self._last = rows, first, last

    def __len__(self) -> int:
        return self._last - self._first

    def __getitem__(self, which: int | slice) -> Row | list[Row]:  # type: ignore[override]
        numbers = range(self._first, self._last)[which]
        return [self._rows.row(number) for number in numbers] if isinstance(numbers, range) else self._rows.row(numbers)
