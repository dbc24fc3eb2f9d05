"""What probes are answered: whether a process lives (`/healthz`), and whether it does its work (`/readyz`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sf_police.errors import SfPoliceError
from sf_police.how_to import in_reach
from sf_police.page.metrics import Response, lag_of
from sf_police.page.watch import Watcher
from sf_police.question import number_of
from sf_police.store.answers import StoreReader
from sf_police.store.tables import Batch
from sf_police.stream.query_state import LONGEST_SILENCE_S, QueryState
from sf_police.topic.probe import TopicProbe

HEALTH_PATH: Final = "/healthz"
READY_PATH: Final = "/readyz"
_UNREAD_STATES: Final = ("opening", "none", "unusable")
# A look at a large store may take some seconds.
_LONGEST_LOOK_S: Final = 30.0


@dataclass(frozen=True)
class Health:
    """Whether all is well, and one line why, or why not."""

    is_well: bool
    line: str


Probes = dict[str, Callable[[], Health]]


def health_response(health: Health) -> Response:
    """Return the answer to a probe: 200 or 503, and the line."""
    text = health.line if health.is_well else f"error: {health.line}"
    return Response(200 if health.is_well else 503, "text/plain; charset=utf-8", f"{in_reach(text)}\n".encode())


class StreamHealth:
    """Of a process that runs a stream."""

    def __init__(self, query: QueryState, reader: StoreReader, probe: TopicProbe) -> None:
        self._query, self._reader, self._probe = query, reader, probe
        self.probes: Probes = {HEALTH_PATH: self.alive, READY_PATH: self.ready}

    def alive(self) -> Health:
        """Whether the query has not died. It may not have begun yet."""
        query = self._query
        if query.phase == "failed":
            return Health(False, f"the stream has failed: {query.error}")
        if query.silent_s > LONGEST_SILENCE_S:
            return Health(
                False, f"Spark has not answered for {query.silent_s:.0f} s: end this process and run it again"
            )
        return Health(True, "the stream has ended" if query.phase == "ended" else f"the stream is {query.phase}")

    def ready(self) -> Health:
        """Whether the query runs, reaches its store, and has stored a micro-batch since the start or has none to."""
        alive, query = self.alive(), self._query
        if not alive.is_well or query.phase != "running":
            return Health(False, alive.line)
        try:
            stream, last = self._reader.stream(), next(iter(self._reader.last_batches(1)), None)
        except SfPoliceError as error:
            return Health(False, str(error))
        if stream is None:
            return Health(False, "the store is gone: run `make reset`, then run again")
        if query.has_stored and last is not None:
            return Health(True, f"the stream is running, and has stored micro-batch {last.batch_id}")
        return self._is_idle(stream[1], last)

    def _is_idle(self, settings: Mapping[str, Any], last: Batch | None) -> Health:
        probed = self._probe.ask()
        if not probed.is_reachable:
            return Health(False, "the brokers do not answer, and nothing was stored since the start")
        if probed.topic is None or probed.topic.topic_id != settings.get("topic_id"):
            return Health(False, "the topic is gone, or another one of its name: run `make doctor`")
        lag = sum(lag_of(probed.topic, settings, last).values())
        if lag:
            return Health(False, f"nothing was stored since the start, and {number_of(lag, 'records')} wait to be read")
        return Health(True, "the stream is running, and waits for records")


class PageHealth:
    """Of a process that serves the page."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self.probes: Probes = {HEALTH_PATH: self.alive, READY_PATH: self.ready}

    def alive(self) -> Health:
        """Whether the page still follows its store."""
        if not self._watcher.is_alive:
            return Health(False, "the page no longer follows its store: end this process and run it again")
        return Health(True, "the page is served")

    def ready(self) -> Health:
        """Whether the store can be read."""
        alive, snapshot = self.alive(), self._watcher.snapshot
        if not alive.is_well:
            return alive
        if self._watcher.looking_s > _LONGEST_LOOK_S:
            return Health(False, f"the store has not answered for {self._watcher.looking_s:.0f} s")
        if snapshot.state in _UNREAD_STATES:
            return Health(False, snapshot.note or "the store is about to be read")
        return Health(True, "the store can be read")
