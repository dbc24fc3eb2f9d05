"""What probes are told: whether a stream or the page lives, and whether it does its work."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sf_police.calls import QUESTION
from sf_police.errors import SfPoliceError
from sf_police.page.health import Health, PageHealth, StreamHealth, health_response
from sf_police.page.watch import Watcher
from sf_police.store.answers import StoreReader
from sf_police.store.database import Database, delete_database
from sf_police.store.writer import StoreWriter
from sf_police.stream import query_state
from sf_police.stream.query_state import QueryState
from sf_police.topic.admin import Partition, Topic
from sf_police.topic.probe import Probed
from tests.support.builders import a_batch, a_counts_table
from tests.support.metrics import Answer
from tests.support.waiting import eventually


def a_topic(records: int = 0, topic_id: str = "id") -> Topic:
    return Topic(
        "calls", topic_id, "cluster", (Partition(0, leader=1, replicas=1, first_offset=0, next_offset=records),)
    )


def health(store: Database, query: QueryState, probed: Probed | None = None, **settings: Any) -> StreamHealth:
    """Of a stream whose store has one micro-batch, which ends at offset 3."""
    writer = StoreWriter(store)
    writer.adopt_stream("query", {"topic_id": "id", "starting_offsets": "earliest", **settings})
    probe: Any = Answer(probed or Probed(is_reachable=True, topic=a_topic()))
    return StreamHealth(query, StoreReader(store), probe)


def store_one(store: Database) -> None:
    StoreWriter(store).write_batch(a_batch(read=3, late=3), a_counts_table([]), [])


def running(*, has_stored: bool = False) -> QueryState:
    query = QueryState()
    query.hear()
    query.has_stored = has_stored
    return query


def failed(query: QueryState) -> None:
    with pytest.raises(SfPoliceError), query.watched():
        raise SfPoliceError("the disk is full", remedy="free some space")


def test_a_stream_that_starts_lives_and_is_not_ready(store: Database) -> None:
    found = health(store, QueryState())

    assert found.alive() == Health(True, "the stream is starting")
    assert found.ready() == Health(False, "the stream is starting")


def test_a_stream_that_has_failed_neither_lives_nor_is_ready(store: Database) -> None:
    query = running(has_stored=True)
    failed(query)
    found = health(store, query)

    line = "the stream has failed: the disk is full: free some space"
    assert found.alive() == found.ready() == Health(False, line)


def test_one_that_has_ended_lives_until_its_process_is_gone(store: Database) -> None:
    query = running(has_stored=True)
    with query.watched():
        pass
    found = health(store, query)

    assert found.alive() == Health(True, "the stream has ended")
    assert not found.ready().is_well


def test_a_spark_that_no_longer_answers_is_dead(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr(query_state.time, "monotonic", lambda: now)
    query = running(has_stored=True)
    found = health(store, query)

    monkeypatch.setattr(query_state.time, "monotonic", lambda: now + 59)
    assert found.alive().is_well
    monkeypatch.setattr(query_state.time, "monotonic", lambda: now + 61)
    assert found.alive() == Health(False, "Spark has not answered for 61 s: end this process and run it again")
    assert not found.ready().is_well
    query.hear()
    assert found.alive().is_well


def test_it_is_ready_once_it_has_stored_a_micro_batch(store: Database) -> None:
    found = health(store, running(has_stored=True))
    store_one(store)

    assert found.ready() == Health(True, "the stream is running, and has stored micro-batch 0")


@pytest.mark.parametrize(
    ("probed", "settings", "expected"),
    [
        (Probed(True, a_topic(3)), {}, Health(True, "the stream is running, and waits for records")),
        (
            Probed(True, a_topic(5)),
            {},
            Health(False, "nothing was stored since the start, and 2 records wait to be read"),
        ),
        (Probed(False), {}, Health(False, "the brokers do not answer, and nothing was stored since the start")),
        (Probed(True), {}, Health(False, "the topic is gone, or another one of its name: run `make doctor`")),
        (
            Probed(True, a_topic(3, "other")),
            {},
            Health(False, "the topic is gone, or another one of its name: run `make doctor`"),
        ),
    ],
    ids=["idle", "records wait", "no broker", "no topic", "another topic"],
)
def test_before_that_it_is_ready_if_there_is_nothing_to_store(
    store: Database, probed: Probed, settings: dict[str, str], expected: Health
) -> None:
    found = health(store, running(), probed, **settings)
    store_one(store)

    assert found.ready() == expected


def test_a_new_stream_on_an_empty_topic_or_from_its_end_is_ready(store: Database) -> None:
    assert health(store, running()).ready().is_well
    assert health(store, running(), Probed(True, a_topic(9)), starting_offsets="latest").ready().is_well
    assert not health(store, running(), Probed(True, a_topic(9))).ready().is_well


def test_a_store_that_is_gone_is_said(store: Database, tmp_path: Path) -> None:
    found = health(store, running(has_stored=True))
    store_one(store)
    delete_database(f"sqlite:///{tmp_path / 'answers.db'}", QUESTION)

    assert not found.ready().is_well
    assert found.alive().is_well


def test_an_answer_is_one_line_that_can_be_typed() -> None:
    well = health_response(Health(True, "all is well"))
    ill = health_response(Health(False, "nothing works: run `make doctor`"))

    assert (well.status, well.body) == (200, b"all is well\n")
    assert (ill.status, ill.body) == (503, b"error: nothing works: run `make doctor`\n")
    assert well.content_type == ill.content_type == "text/plain; charset=utf-8"


def test_the_page_is_ready_once_it_has_read_a_store(store: Database) -> None:
    watcher = Watcher(store)
    found = PageHealth(watcher)
    assert not found.alive().is_well

    def until(check: Callable[[], bool]) -> None:
        def holds() -> None:
            assert check()

        eventually(holds, AssertionError)

    with watcher:
        assert found.alive() == Health(True, "the page is served")
        until(lambda: "there is no store yet" in found.ready().line)
        assert not found.ready().is_well
        StoreWriter(store).adopt_stream("query", {})
        until(lambda: found.ready() == Health(True, "the store can be read"))
    assert found.alive() == found.ready()
    assert not found.alive().is_well


def test_a_store_that_does_not_answer_is_said(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    watcher = Watcher(store)
    monkeypatch.setattr(Watcher, "is_alive", True)
    monkeypatch.setattr(Watcher, "looking_s", 31.4)

    assert PageHealth(watcher).ready() == Health(False, "the store has not answered for 31 s")
    assert PageHealth(watcher).alive().is_well
