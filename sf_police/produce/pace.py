"""When each record is due: at once, at a fixed rate, or at the pace of the events times a factor. Sends nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Final

from sf_police.topic.record import Record

# Group size when sending is not paced.
RECORDS_AT_A_TIME: Final = 1000
# A stop is noticed within this time.
_LONGEST_NAP_S: Final = 0.1


def paced(
    records: Iterable[Record],
    *,
    rate: float | None = None,
    speed: float | None = None,
    is_stopped: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[list[Record]]:
    """Yield the records in groups, each when it is due; the first is due at once.

    Args:
        records: in sending order.
        rate: records per second; None: no limit.
        speed: how many times as fast as the events occurred; None: event times are ignored.
        is_stopped: ends the waiting and the iteration.
        clock: returns seconds, never decreasing.
        sleep: waits for a number of seconds.
    """
    if not rate and not speed:
        remaining = iter(records)
        while not is_stopped() and (group := list(islice(remaining, RECORDS_AT_A_TIME))):
            yield group
        return
    started = clock()
    first_time: datetime | None = None
    for number, record in enumerate(records):
        due = 0.0
        if rate:
            due = number / rate
        if speed and record.time:
            event_time = datetime.fromisoformat(record.time)
            first_time = first_time or event_time
            due = max(due, (event_time - first_time).total_seconds() / speed)
        while not is_stopped() and (left := started + due - clock()) > 0:
            sleep(min(left, _LONGEST_NAP_S))
        if is_stopped():
            return
        yield [record]


def pace_seconds(
    first: Record, last: Record, *, count: int, rate: float | None = None, speed: float | None = None
) -> float:
    """Return how many seconds `paced` waits in all.

    Args:
        first: the first record to send.
        last: the last one.
        count: how many there are.
        rate: as in `paced`.
        speed: as in `paced`.
    """
    seconds = (count - 1) / rate if rate else 0.0
    if speed and first.time and last.time:
        span = datetime.fromisoformat(last.time) - datetime.fromisoformat(first.time)
        seconds = max(seconds, span.total_seconds() / speed)
    return seconds
