"""A topic is asked about for a limited time: brokers that hang, that are not there, and that have no such topic."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from sf_police.errors import UnknownTopicError
from sf_police.topic import probe
from sf_police.topic.admin import Topic
from sf_police.topic.clients import KafkaAccess
from sf_police.topic.probe import Probed, TopicProbe

UNREACHABLE = Probed(is_reachable=False)


@pytest.fixture
def silent() -> Iterator[KafkaAccess]:
    """What takes connections, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield KafkaAccess(f"127.0.0.1:{server.getsockname()[1]}", {})
    # A client that goes on trying would be in the way of other tests: it uses `random`, which hypothesis watches.
    for thread in asking():
        thread.join(timeout=120)
        assert not thread.is_alive()


def asking() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "asks the brokers"]


def test_brokers_that_hang_are_waited_for_until_the_limit_by_one_thread(silent: KafkaAccess) -> None:
    topic = TopicProbe(silent, "calls", limit_s=0.3)
    before, began_s = asking(), time.monotonic()

    assert topic.ask() == UNREACHABLE
    assert topic.ask() == UNREACHABLE

    assert 0.6 <= time.monotonic() - began_s < 3
    assert len(asking()) == len(before) + 1
    assert all(thread.daemon for thread in asking())


def test_where_nothing_listens_there_is_no_waiting() -> None:
    began_s = time.monotonic()

    assert TopicProbe(KafkaAccess("127.0.0.1:1", {}), "calls", limit_s=60).ask() == UNREACHABLE
    assert time.monotonic() - began_s < 30


def answers(monkeypatch: pytest.MonkeyPatch, *found: Any) -> TopicProbe:
    """A probe whose brokers answer with these, one after the other."""
    left = iter(found)

    def describe(access: KafkaAccess, topic: str) -> Any:
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(probe, "describe_topic", describe)
    return TopicProbe(KafkaAccess("127.0.0.1:1", {}), "calls")


def test_every_question_gets_an_answer_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = (Topic("calls", topic_id, "cluster", ()) for topic_id in ("one", "other"))
    asked = answers(monkeypatch, one, UnknownTopicError("no topic calls"), other)

    assert asked.ask() == Probed(is_reachable=True, topic=one)
    assert asked.ask() == Probed(is_reachable=True, topic=None)
    assert asked.ask() == Probed(is_reachable=True, topic=other)


def test_an_error_that_nobody_expects_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="a bug"):
        answers(monkeypatch, ValueError("a bug")).ask()
