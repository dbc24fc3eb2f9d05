"""When each record is due: at once, at a rate, or as fast as the events went, times a factor."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Final

from sf_police.topic.record import Record

# In a group of records that are due at once.
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
    """The records, in groups, each when it is due, counted from the first.

    Args:
        records: in the order of sending.
        rate: records per second; None: no limit.
        speed: factor on the time between events; None: does not wait for it.
        is_stopped: ends the waiting and the records.
        clock: seconds, steadily growing.
        sleep: waits so many seconds.
    """
    if not rate and not speed:
        rest = iter(records)
        while not is_stopped() and (group := list(islice(rest, RECORDS_AT_A_TIME))):
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
