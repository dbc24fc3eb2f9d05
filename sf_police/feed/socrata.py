"""What is asked of a data set of Socrata's API (SODA 2): rows between two times, page by page; their number.

Pages go by time, not by number: rows that are added or removed meanwhile would shift pages by number, and rows would
be skipped or come twice. The last time of a page may go on in the next one, so its rows are left for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from sf_police.errors import SfPoliceError
from sf_police.feed.client import FeedClient
from sf_police.feed.feeds import Feed

MOST_ROWS: Final = 50_000  # what the API gives at most for one request

Row = dict[str, Any]


class Page(NamedTuple):
    """Rows in the order of their times, and the time from which the next page is to be asked for; None: no more."""

    rows: list[Row]
    following: str | None


class Dataset:
    """A feed's data set on its server.

    Args:
        client: of the server.
        feed: the columns that are asked for.
        most_rows: rows of a page.
    """

    def __init__(self, client: FeedClient, feed: Feed, *, most_rows: int = MOST_ROWS) -> None:
        self.feed, self.host = feed, client.host
        self._client, self._most_rows = client, most_rows

    def pages(self, start: str, end: str) -> Iterator[Page]:
        """Yield the rows from a time on and before another, whole times only.

        Args:
            start: a wall clock time such as `2018-10-02T00:00:00.000`, or a page's `following` to go on from.
            end: likewise; rows of that time are not included.

        Raises:
            SfPoliceError: as the client has it, or the server does not keep to what was asked.
        """
        at: str | None = start
        while at is not None:
            page = self._page(at, end)
            if page.rows:
                yield page
            at = page.following

    def _page(self, at: str, end: str) -> Page:
        feed = self.feed
        rows = self._client.rows(
            feed.dataset,
            {
                "$select": ",".join(feed.columns),
                "$where": f"{feed.time} >= '{at}' AND {feed.time} < '{end}'",
                "$order": f"{feed.time},{feed.id}",
                "$limit": str(self._most_rows),
            },
        )
        times = [str(row.get(feed.time)) for row in rows]
        if times != sorted(times) or (times and times[0] < at):
            raise SfPoliceError(f"{self.host} gives rows of {feed.dataset} in another order than by {feed.time}")
        if len(rows) > 0 and times[0] != times[-1]:
            whole = times.index(times[-1])
            return Page(rows[:whole], times[-1])
        if len(rows) >= self._most_rows:
            raise SfPoliceError(f"{self.host} has {len(rows):,} rows or more of {feed.dataset} at {times[0]} alone")
        return Page(rows, None)

    def count(self, start: str, end: str) -> int:
        """Return the number of rows from a time on and before another."""
        time = self.feed.time
        query = {"$select": "count(*) AS n", "$where": f"{time} >= '{start}' AND {time} < '{end}'"}
        return int(self._only(query, "n") or 0)

    def newest(self, end: str) -> str | None:
        """Return the latest time before another; None if there are no rows."""
        time = self.feed.time
        return self._only({"$select": f"max({time}) AS newest", "$where": f"{time} < '{end}'"}, "newest")

    def _only(self, query: dict[str, str], name: str) -> str | None:
        rows = self._client.rows(self.feed.dataset, query)
        value = rows[0].get(name) if rows else None
        return None if value is None else str(value)
