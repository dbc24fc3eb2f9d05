"""The page as it is served by the real command, and people who look at it in Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import original, recount
from tests.support.dashboard import Dashboard
from tests.support.stores import StoredCalls, generated

if TYPE_CHECKING:  # where there is no Chromium, what needs none is tested
    from tests.support.browser import Browser, Viewer

# Nothing was recorded then: windows far from what is usual.
OUTAGE = ("2018-12-12T12:00", "2018-12-12T14:00")
REJECTED: tuple[tuple[str, bytes | None], ...] = (
    ("crime_id is missing", b'{"call_date_time": "2018-10-10T12:10:00.000"}'),
    ("not exactly one JSON object", b"no JSON"),
    ("no value", None),
)


def quarter_of_calls() -> list[dict[str, Any]]:
    """The original file's, if there is one; else generated ones with an outage."""
    if original.FILE:
        return recount.load(Path(original.FILE))
    return [call for call in generated(100_000) if not OUTAGE[0] <= call["call_date_time"] < OUTAGE[1]]


@pytest.fixture(scope="session")
def quarter(tmp_path_factory: pytest.TempPathFactory) -> StoredCalls:
    """A quarter's calls, all stored, in some 20 micro-batches."""
    calls = quarter_of_calls()
    stored = StoredCalls(tmp_path_factory.mktemp("quarter"), calls)
    for batch in range(20):
        stored.write(-(-len(calls) // 20), REJECTED if batch == 3 else ())
    return stored


@pytest.fixture(scope="session")
def quarter_served(quarter: StoredCalls) -> Iterator[Dashboard]:
    """The page on that store, which nobody changes."""
    dashboard = Dashboard(quarter.url)
    yield dashboard.start()
    dashboard.stop()


@pytest.fixture
def serve() -> Iterator[Callable[..., Dashboard]]:
    """Serves the page on the store at this URL, until the test ends."""
    served: list[Dashboard] = []

    def serve(store: str, **settings: str) -> Dashboard:
        served.append(Dashboard(store, **settings))
        return served[-1].start()

    yield serve
    for dashboard in served:
        dashboard.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from tests.support.browser import launched

    with launched() as browser:
        yield browser


@pytest.fixture
def look(browser: Browser, serve: Callable[..., Dashboard]) -> Iterator[Callable[..., Viewer]]:
    """Makes a viewer of a dashboard; at the end of the test, no page may have done what none may do."""
    from tests.support.browser import Viewer

    viewers: list[Viewer] = []

    def look(dashboard: Dashboard, **options: Any) -> Viewer:
        viewers.append(Viewer(browser, dashboard, **options))
        return viewers[-1]

    yield look
    for viewer in viewers:
        viewer.close()
