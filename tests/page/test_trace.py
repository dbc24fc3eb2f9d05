"""One record's way on the page: asked for by its id, kept in the address, and text whatever is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from sf_police.calls import QUESTION
from sf_police.config import Config
from sf_police.page.assets import ready_assets
from sf_police.store.database import open_database
from sf_police.trace.journey import Fate, Found, Journey, Outcome
from sf_police.trace.tracer import NotFoundError
from tests.support.browser import Viewer, expect
from tests.support.builders import store_batch
from tests.support.pages import Served, served
from tests.support.question import resolve

Look = Callable[..., Viewer]

COUNTS = [("2018-10-12 14:00:00", "2018-10-12 14:30:00", "Traffic Stop", "Cited", 2)]
HOSTILE = "<img src=x onerror=alert(1)>"


def find(wanted: str) -> Found:
    if wanted == "nobody":
        raise NotFoundError(f"no record has crime_id {wanted}: looked through 2 records of the topic a-topic")
    fates = (Fate(Outcome.REJECTED, reason=HOSTILE), Fate(Outcome.NOT_READ))
    return Found(tuple(map(Journey, fates[: 2 if wanted == "both" else 1])), ("the topic",))


@dataclass(frozen=True)
class InProcess:
    """A page in this process, as a `Viewer` looks at it."""

    served: Served

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.served.port}/"

    def version_with(self, batch: int | None = None) -> int:
        assert batch is None
        return self.served.in_state("stopped").version


@pytest.fixture
def viewer(tmp_path: Path, look: Look) -> Iterator[Viewer]:
    config: Config = resolve({"state_dir": str(tmp_path)})
    assets = ready_assets(config.jars_dir, QUESTION, say=lambda _: None)
    with closing(open_database(f"sqlite:///{tmp_path / 'answers.db'}", QUESTION)) as database:
        store_batch(database, COUNTS)
        with served(database, assets, find=find) as page:
            viewer = look(InProcess(page))
            yield viewer
            viewer.page.goto("about:blank")  # it would ask a server that is gone


def test_a_record_is_followed_by_its_id_and_the_address_keeps_it(viewer: Viewer) -> None:
    page = viewer.open().page
    field = page.get_by_label("crime id")

    field.fill("  one ")
    field.press("Enter")

    rows = page.locator("#t-trace tbody tr")
    expect(rows).to_have_count(1)
    assert viewer.table("t-trace") == [["outcome", f"rejected: {HOSTILE}"]]
    assert page.url.endswith("?record=one")
    page.reload()
    expect(rows).to_have_count(1)
    expect(field).to_have_value("one")
    page.go_back()
    expect(rows).to_have_count(0)
    expect(field).to_have_value("")


def test_several_records_are_numbered_and_what_is_not_there_is_said(viewer: Viewer) -> None:
    page = viewer.open("?record=both").page
    expect(page.locator("#t-trace tbody tr")).to_have_count(2)
    assert [row[0] for row in viewer.table("t-trace")] == ["1", "2"]

    page.get_by_label("crime id").fill("nobody")
    page.get_by_role("button", name="Follow").click()

    expect(page.locator("#trace-said")).to_have_text(
        "no record has crime_id nobody: looked through 2 records of the topic a-topic"
    )
    expect(page.locator("#t-trace")).to_be_hidden()
