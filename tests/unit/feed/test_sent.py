"""What the topic says was sent: as far back as the feed reaches, and only of this feed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from sf_police.calls import QUESTION
from sf_police.errors import SfPoliceError
from sf_police.feed import sent
from sf_police.feed.sent import sent_calls
from sf_police.topic.admin import Partition, Topic
from sf_police.topic.clients import KafkaAccess
from sf_police.topic.record import TopicRecord

ACCESS = KafkaAccess("one:9092", {})
OLDEST = "2026-05-10T00:00:00.000"


def value(id: str, day: str, feed: str = "sf-live") -> bytes:
    return json.dumps({"crime_id": id, "call_date_time": f"2026-05-{day}T00:00:00.000", "feed": feed}).encode()


def read(monkeypatch: pytest.MonkeyPatch, *partitions: list[bytes | None]) -> dict[str, str]:
    """The calls of a topic of these values, read back two records at a time."""

    def read_back(
        _: KafkaAccess, topic: str, offsets: dict[int, tuple[int, int]], *, is_enough: Callable[[TopicRecord], bool]
    ) -> Iterator[TopicRecord]:
        for number, (first, following) in offsets.items():
            records = [
                TopicRecord(number, place, 0, b"", partitions[number][place]) for place in range(first, following)
            ]
            while records:
                yield from records[-2:]
                if is_enough(records[-2:][0]):
                    break
                records = records[:-2]

    monkeypatch.setattr(sent, "read_back", read_back)
    made = [Partition(number, 0, 1, 0, len(values)) for number, values in enumerate(partitions)]
    topic = Topic("calls", "id", "cluster", tuple(made))
    return sent_calls(ACCESS, topic, QUESTION, feed="sf-live", oldest=OLDEST, max_ahead=timedelta(days=1))


def test_the_calls_of_all_partitions_are_known_by_their_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, [value("1", "10"), value("2", "11")], [], [value("3", "12")]) == {
        "1": "2026-05-10T00:00:00.000", "2": "2026-05-11T00:00:00.000", "3": "2026-05-12T00:00:00.000",
    }  # fmt: skip


def test_what_was_sent_before_the_feeds_oldest_row_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    # 48 hours and a day before the oldest row is the 7th. The call of the 12th was sent late, but not that late.
    early, latest = [value("1", "05"), value("2", "06"), value("3", "12"), value("4", "07")], value("6", "10")

    assert list(read(monkeypatch, [*early, value("5", "06"), latest])) == ["5", "6"]
    assert list(read(monkeypatch, [*early, value("5", "07"), latest])) == ["5", "6", "3", "4", "1", "2"]


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (b"{}", "of no feed"),
        (b"[]", "of no feed"),
        (b"calls", "of no feed"),
        (None, "of no feed"),
        (value("1", "10", "seattle"), "of the feed seattle"),
    ],
)
def test_a_topic_of_something_else_is_refused(monkeypatch: pytest.MonkeyPatch, other: bytes | None, what: str) -> None:
    with pytest.raises(SfPoliceError) as error:
        read(monkeypatch, [value("2", "11"), other])
    assert str(error.value) == (
        f"calls holds records {what} (partition 0, offset 1), and those of sf-live would be mixed with them: "
        "set KAFKA_TOPIC to a new topic"
    )
