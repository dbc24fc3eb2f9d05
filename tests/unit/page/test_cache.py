"""What panels returned is kept: one query for all who look on, and a slow one takes but a part of the time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from sf_police.errors import SfPoliceError
from sf_police.page import cache as cache_module
from sf_police.page.cache import PanelCache
from sf_police.page.over_time import Choice
from sf_police.page.panels import Panels
from sf_police.page.watch import Snapshot
from sf_police.store.database import Database
from tests.support.builders import store_batch
from tests.support.pages import panels_of, statements

COUNTS = [("2018-10-12 14:00:00", "2018-10-12 14:30:00", "Traffic Stop", "Handled", 6)]
EVER = Choice()


def snapshot_of(panels: Panels, version: int = 1) -> Snapshot:
    return Snapshot(version, "stopped", panels=panels)


def test_a_hundred_who_ask_at_once_cost_one_query(store: Database) -> None:
    store_batch(store, COUNTS)
    cache, snapshot = PanelCache(), snapshot_of(panels_of(store))
    together = threading.Barrier(100)

    def ask(_: int) -> Any:
        together.wait(timeout=60)
        return cache.read(snapshot, "books", EVER)

    with statements(store) as asked, ThreadPoolExecutor(100) as pool:
        found = list(pool.map(ask, range(100)))

    assert len(asked) == 1
    assert {(each.version, each.rows[0]["read"]) for each in found} == {(1, 6)}


def test_each_choice_has_its_own_rows(store: Database) -> None:
    store_batch(store, COUNTS)
    cache, snapshot = PanelCache(), snapshot_of(panels_of(store))

    def shares(choice: Choice) -> int:
        return len(cache.read(snapshot, "shares", choice).rows)

    other = Choice(since=datetime(2019, 1, 1))
    assert [shares(EVER), shares(other), shares(Choice(kind="Fire")), shares(EVER)] == [1, 0, 0, 1]


def test_without_a_store_there_are_no_rows() -> None:
    found = PanelCache().read(Snapshot(7, "none"), "books", EVER)

    assert (found.rows, found.version) == ([], 7)


@dataclass
class Clock:
    """The time that the cache sees."""

    now: float = 1_000.0

    def monotonic(self) -> float:
        return self.now


@dataclass
class SlowPanels:
    """Panels whose queries take as long as the test says."""

    panels: Panels
    clock: Clock
    seconds: float
    asked: list[str] = field(default_factory=list)

    def rows(self, panel: str, choice: Choice) -> list[dict[str, Any]]:
        self.asked.append(panel)
        self.clock.now += self.seconds
        return self.panels.rows(panel, choice)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(cache_module, "time", clock)
    return clock


def test_each_snapshot_is_read_once(store: Database, clock: Clock) -> None:
    store_batch(store, COUNTS)
    cache, panels = PanelCache(), panels_of(store)

    with statements(store) as asked:
        for version in (1, 1, 2, 2, 2, 3):
            assert cache.read(snapshot_of(panels, version), "books", EVER).version == version

    assert len(asked) == 3


@pytest.mark.parametrize(("seconds", "pause"), [(2.0, 18.0), (0.1, 0.9)])
def test_a_query_is_repeated_after_nine_times_as_long_at_the_earliest(
    store: Database, clock: Clock, seconds: float, pause: float
) -> None:
    store_batch(store, COUNTS)
    cache, slow = PanelCache(), SlowPanels(panels_of(store), clock, seconds)

    def read(version: int) -> int:
        return cache.read(snapshot_of(slow, version), "books", EVER).version  # type: ignore[arg-type]

    assert read(1) == 1
    assert read(2) == 1  # and so it is not the newest
    clock.now += pause - 0.05
    assert read(3) == 1
    clock.now += 0.1
    assert read(3) == 3
    assert read(4) == 3
    assert len(slow.asked) == 2


def test_the_rows_of_a_store_that_is_gone_are_not_shown_as_another_ones(store: Database, clock: Clock) -> None:
    store_batch(store, COUNTS)
    cache = PanelCache()
    cache.read(snapshot_of(SlowPanels(panels_of(store), clock, 60.0), 1), "books", EVER)  # type: ignore[arg-type]
    store.drop()
    store_batch(store, [(*COUNTS[0][:-1], 2)])

    found = cache.read(snapshot_of(panels_of(store), 2), "books", EVER)

    assert (found.version, found.rows[0]["read"]) == (2, 2)


def test_an_error_is_not_kept(store: Database) -> None:
    store_batch(store, COUNTS)
    cache, snapshot = PanelCache(), snapshot_of(panels_of(store))
    store.drop()
    for _ in range(2):
        with pytest.raises(SfPoliceError, match="was deleted or replaced while it was in use"):
            cache.read(snapshot, "books", EVER)

    store_batch(store, COUNTS)

    assert cache.read(snapshot, "books", EVER).rows[0]["read"] == 6


def test_what_was_not_asked_for_lately_is_forgotten(store: Database) -> None:
    store_batch(store, COUNTS)
    cache, snapshot = PanelCache(), snapshot_of(panels_of(store))
    choices = [Choice(since=datetime(2018, 1, 1) + timedelta(days=n)) for n in range(300)]

    with statements(store) as asked:
        for choice in choices:
            cache.read(snapshot, "shares", EVER)
            cache.read(snapshot, "shares", choice)
        assert len(asked) == 301
        cache.read(snapshot, "shares", choices[-255])
        assert len(asked) == 301
        cache.read(snapshot, "shares", choices[0])
        assert len(asked) == 302
