"""A record's way over HTTP: found, not there, out of reach, and one at a time."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from sf_police.calls import QUESTION
from sf_police.errors import SfPoliceError
from sf_police.page.assets import Assets
from sf_police.store.database import open_database
from sf_police.trace.journey import Fate, Found, Journey, Outcome
from sf_police.trace.tracer import NotFoundError
from tests.support.pages import Served, served

AT_WORK, GO_ON = threading.Event(), threading.Event()


def find(wanted: str) -> Found:
    if wanted == "slow":
        AT_WORK.set()
        assert GO_ON.wait(20)
    if wanted == "nobody":
        raise NotFoundError("no record has crime_id nobody\x1b")
    if wanted == "down":
        raise SfPoliceError("no broker answers at a:1\x1b", remedy="start one")
    return Found((Journey(Fate(Outcome.REJECTED, reason="<b>bold</b>")),), ("the topic",))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, assets: Assets) -> Iterator[Served]:
    url = f"sqlite:///{tmp_path_factory.mktemp('page') / 'answers.db'}"
    with closing(open_database(url, QUESTION)) as database, served(database, assets, find=find) as page:
        yield page


def ask(page: Served, query: str) -> tuple[int, str]:
    answer = page.ask(f"/data/trace.json{query}")
    return answer.status, answer.text


def test_what_is_found_is_rows_and_json(page: Served) -> None:
    status, text = ask(page, "?id=+a%20b+")

    document = json.loads(text)
    assert status == 200
    assert document["rows"] == [{"record": 1, "stage": "outcome", "what": "rejected: <b>bold</b>"}]
    assert document["records"][0]["outcome"]["reason"] == "<b>bold</b>"


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("", 400, "id: expected the crime_id of a record"),
        ("?id=%20", 400, "id: expected the crime_id of a record"),
        (f"?id={'x' * 2_001}", 400, "id: expected the crime_id of a record"),
        ("?id=down", 503, "no broker answers at a:1\\x1b: start one"),
        ("?id=nobody", 200, '{"said": "no record has crime_id nobody\\\\x1b", "rows": []}'),
    ],
)
def test_what_cannot_be_shown_is_said_in_one_line(page: Served, query: str, status: int, said: str) -> None:
    assert ask(page, query) == (status, said)


def test_while_one_is_looked_for_another_has_to_wait(page: Served) -> None:
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask, page, "?id=slow")
        assert AT_WORK.wait(20)
        try:
            assert ask(page, "?id=x") == (503, "another record is being looked for: ask again once it is found")
        finally:
            GO_ON.set()
        assert first.result()[0] == 200
    assert ask(page, "?id=x")[0] == 200
