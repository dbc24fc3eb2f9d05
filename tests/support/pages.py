"""A page on a store, over real HTTP on a free port; its panels without it; and what a store is asked."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import event

from sf_police.page.assets import Assets
from sf_police.page.metrics import StoreMetrics
from sf_police.page.panels import Panels
from sf_police.page.server import Page, Server, listening
from sf_police.page.summary import Summary
from sf_police.page.tracing import Tracing
from sf_police.page.watch import Snapshot, Watcher
from sf_police.store.answers import StoreReader
from sf_police.store.database import Database
from sf_police.store.spans import SpanReader
from sf_police.topic.probe import Probed
from sf_police.trace.journey import Found
from tests.support.metrics import Answer as ProbeAnswer
from tests.support.waiting import eventually

HALF_HOUR = timedelta(minutes=30)
NAMES = ("localhost", "127.0.0.1", "[::1]")


def whole_summary(database: Database) -> Summary:
    summary = Summary(SpanReader(StoreReader(database)))
    while not summary.is_whole:
        summary.read_older()
    return summary


def panels_of(database: Database, *, length: timedelta = HALF_HOUR, delay: timedelta | None = None) -> Panels:
    return Panels(StoreReader(database), whole_summary(database), length, delay)


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """What this program asks the store meanwhile, without what begins a transaction."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "set_config" not in statement:
            asked.append(statement)

    event.listen(database._engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(database._engine, "before_cursor_execute", note)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]  # by name in lower case
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Served:
    """A page that is served, and a client of it."""

    def __init__(self, port: int, watcher: Watcher, page: Page) -> None:
        self.port, self.watcher, self.page = port, watcher, page

    def ask(self, path: str, *, method: str = "GET", **headers: str) -> Answer:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request(method, path, headers={name.replace("_", "-"): text for name, text in headers.items()})
            got = connection.getresponse()
            return Answer(got.status, {name.lower(): text for name, text in got.getheaders()}, got.read())

    def rows(self, path: str) -> Any:
        answer = self.ask(path)
        assert answer.status == 200, answer.text
        return answer.json["rows"]

    @contextmanager
    def events(self, *, seconds: float = 60, **headers: str) -> Iterator[http.client.HTTPResponse]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)) as connection:
            connection.request("GET", "/events", headers={n.replace("_", "-"): text for n, text in headers.items()})
            with closing(connection.getresponse()) as response:
                yield response

    def in_state(self, *states: str) -> Snapshot:
        """Wait until the store is seen in one of these states, and is read."""

        def check() -> Snapshot:
            snapshot = self.watcher.snapshot
            assert snapshot.state in states, snapshot
            assert snapshot.is_whole or snapshot.panels is None
            return snapshot

        return eventually(check, AssertionError)


def message(response: http.client.HTTPResponse) -> Any:
    """The next message; signs of life in between are left out."""
    while line := response.readline():
        if line.startswith(b"data: "):
            return json.loads(line.removeprefix(b"data: "))
    raise AssertionError("the connection has ended")


@contextmanager
def served(
    database: Database,
    assets: Assets,
    *,
    hosts: tuple[str, ...] = NAMES,
    find: Callable[[str], Found] = lambda _: Found((), ()),
) -> Iterator[Served]:
    listener = listening("127.0.0.1", 0)
    port = listener.getsockname()[1]
    watcher = Watcher(database)
    metrics = StoreMetrics(StoreReader(database), ProbeAnswer(Probed(is_reachable=False, topic=None)))  # type: ignore[arg-type]
    page = Page(watcher, database.question, assets, metrics, Tracing(find, database.question))
    watcher.on_change = page.wake
    with watcher, Server(page.app(hosts), listener):
        yield Served(port, watcher, page)
        page.end()
