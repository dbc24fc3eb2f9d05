"""Which rows of a feed are due: the calls that are decided, each once. No network, no clock and no Kafka here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sf_police.feed.mapping import RowMapping, UnmappedRowError

# How far back a call may be decided: what the live feed holds, and what is asked of those that hold everything.
SPAN: Final = timedelta(hours=48)
# The resolution of a call that has waited long enough.
OPEN: Final = "Open"
# What a record says of the feed that it is from.
FEED: Final = "feed"
# Of the same form as the feeds' own, and sorts like the times.
TIME_FORM: Final = "%Y-%m-%dT%H:%M:%S.000"


class DueCall(NamedTuple):
    """A call to send; calls sort by their times."""

    time: str
    id: str
    record: dict[str, str]


@dataclass
class Due:
    """What a look at a feed has found.

    Args:
        rows: that the feed holds.
        calls: to send now, in the order of their times.
        waiting: calls without a resolution that are sent later.
        left_out: rows that are no calls, by the reason.
        newest: the latest time; blank if there are no rows.
    """

    rows: int = 0
    calls: list[DueCall] = field(default_factory=list)
    waiting: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    newest: str = ""


def back(time: str, by: timedelta) -> str:
    """Return the time so long before another, as text of the feeds' form."""
    return (datetime.fromisoformat(time) - by).strftime(TIME_FORM)


def just_after(time: str) -> str:
    """Return the time a millisecond after another, the smallest step of the feeds' form."""
    return (datetime.fromisoformat(time) + timedelta(milliseconds=1)).isoformat(timespec="milliseconds")


class Follower:
    """Decides which calls are sent, and remembers which were.

    A call is sent once its row has a resolution. One that has none is sent as `Open` once it is as old as `open_after`.
    What is sent stays as it is, whatever becomes of the row. Ages are measured by the feed's own latest time: a
    clock of this machine that is wrong, or jumps, changes nothing.

    Args:
        mapping: of the feed's rows to records.
        open_after: the age at which a call is sent although it is open.
        sent: the calls that the topic holds already, by id, with their times.
    """

    def __init__(self, mapping: RowMapping, *, open_after: timedelta, sent: Mapping[str, str]) -> None:
        self._mapping, self._open_after, self._sent = mapping, open_after, dict(sent)

    def due(self, rows: Iterable[Mapping[str, Any]]) -> Due:
        """Return which calls are to be sent now. Of rows with the same id, the first that is due counts."""
        found, times = Due(), []
        for row in rows:
            found.rows += 1
            try:
                times.append((self._mapping.time_of(row), row))
            except UnmappedRowError as error:
                found.left_out[str(error)] += 1
        found.newest = max((time for time, _ in times), default="")
        oldest_open = back(found.newest, self._open_after) if times else ""
        calls: dict[str, DueCall] = {}
        for time, row in times:
            self._look_at(row, time, found, calls, oldest_open)
        found.calls = sorted(calls.values())
        return found

    def _look_at(
        self, row: Mapping[str, Any], time: str, found: Due, calls: dict[str, DueCall], oldest_open: str
    ) -> None:
        try:
            call_id = self._mapping.id_of(row)
            if call_id in self._sent or call_id in calls:
                return
            record = self._mapping.record(row, undecided=OPEN)
        except UnmappedRowError as error:
            found.left_out[str(error)] += 1
            return
        if self._mapping.is_decided(row) or time <= oldest_open:
            calls[call_id] = DueCall(time, call_id, {**record, FEED: self._mapping.feed.name})
        else:
            found.waiting += 1

    def sent(self, calls: Iterable[DueCall], *, newest: str) -> None:
        """Remember that calls were sent, and forget those that have long left the feed."""
        self._sent.update({call.id: call.time for call in calls})
        if newest:
            kept_from = back(newest, 2 * SPAN)
            self._sent = {each: time for each, time in self._sent.items() if time >= kept_from}
