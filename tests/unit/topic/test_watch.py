"""Asking again and again what a topic is, over one connection; kafka-python's admin client is a fake."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from kafka.errors import KafkaConnectionError

from sf_police.errors import SfPoliceError
from sf_police.topic import watch
from sf_police.topic.clients import KafkaAccess
from sf_police.topic.refusals import login_refused
from sf_police.topic.watch import TopicIdentity, TopicWatch

ACCESS = KafkaAccess("one:9092", {})
ID = "0a3c6551-0000-4000-8000-000000000001"
SAME = TopicIdentity("calls", ID, "cluster", (0, 1, 2))


class FakeAdmin:
    """Answers with what `topic` is at the time; fails as often as `failures` says."""

    made: ClassVar[list[FakeAdmin]] = []
    failures: ClassVar[int] = 0
    topic: ClassVar[dict[str, Any]] = {}

    def __init__(self, **_: Any) -> None:
        self.closed = 0
        self.made.append(self)

    def describe_topics(self, names: list[str]) -> list[dict[str, Any]]:
        assert names == ["calls"]
        if FakeAdmin.failures:
            FakeAdmin.failures -= 1
            raise KafkaConnectionError("gone")
        return [self.topic] if self.topic else []

    def describe_cluster(self) -> dict[str, str]:
        return {"cluster_id": "cluster"}

    def close(self) -> None:
        self.closed += 1


def described(*numbers: int, error: int = 0) -> dict[str, Any]:
    return {"topic_id": ID, "error_code": error, "partitions": [{"partition_index": number} for number in numbers]}


@pytest.fixture(autouse=True)
def _fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "KafkaAdminClient", FakeAdmin)
    monkeypatch.setattr(watch, "ensure_reachable", lambda _: None)
    monkeypatch.setattr(watch, "_PAUSE_S", 0)
    monkeypatch.setattr(FakeAdmin, "made", [])
    monkeypatch.setattr(FakeAdmin, "failures", 0)
    monkeypatch.setattr(FakeAdmin, "topic", described(2, 0, 1))


def test_one_connection_is_kept_for_all_questions() -> None:
    topic = TopicWatch(ACCESS, "calls")

    assert [topic.identity() for _ in range(3)] == [SAME] * 3
    topic.close()
    topic.close()
    assert [admin.closed for admin in FakeAdmin.made] == [1]


@pytest.mark.parametrize("answer", [{}, described(error=3)], ids=["nothing", "unknown topic"])
def test_a_topic_that_there_is_not_is_none(monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]) -> None:
    monkeypatch.setattr(FakeAdmin, "topic", answer)

    assert TopicWatch(ACCESS, "calls").identity() is None


def test_a_topic_that_may_not_be_described_any_more_is_not_taken_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeAdmin, "topic", described(error=29))

    with pytest.raises(SfPoliceError, match=r"^this client may not Describe topic calls: grant it by "):
        TopicWatch(ACCESS, "calls", patience_s=0).identity()


def test_a_topic_without_a_leader_for_now_is_still_the_topic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeAdmin, "topic", described(0, 1, 2, error=5))

    assert TopicWatch(ACCESS, "calls").identity() == SAME


def test_a_broker_that_is_restarted_is_waited_for_with_a_new_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeAdmin, "failures", 2)

    assert TopicWatch(ACCESS, "calls").identity() == SAME
    assert [admin.closed for admin in FakeAdmin.made] == [1, 1, 0]


def test_a_login_that_is_refused_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def refuse(_: KafkaAccess) -> None:
        tried.append(1)
        raise login_refused("one:9092", "ann", "Invalid password")

    monkeypatch.setattr(watch, "ensure_reachable", refuse)

    with pytest.raises(SfPoliceError, match="refuses the login of ann"):
        TopicWatch(ACCESS, "calls", is_stopped=lambda: len(tried) > 2).identity()
    assert tried == [1]


@pytest.mark.parametrize("ended", [{"patience_s": 0}, {"is_stopped": lambda: True}], ids=["too long", "Ctrl-C"])
def test_waiting_ends(monkeypatch: pytest.MonkeyPatch, ended: dict[str, Any]) -> None:
    monkeypatch.setattr(FakeAdmin, "failures", 10**6)

    with pytest.raises(SfPoliceError, match="the broker at one:9092: KafkaConnectionError: gone"):
        TopicWatch(ACCESS, "calls", **ended).identity()
