"""A file against a topic, position by position."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from sf_police.calls import QUESTION
from sf_police.produce.comparing import Spans, compare_file
from sf_police.produce.records import event_records
from sf_police.topic.record import TopicRecord
from tests.support.builders import a_call

FILE = event_records(
    [a_call(crime_id=str(9 - n), call_date_time=f"2018-10-12T14:0{n}:00.000") for n in range(8)], QUESTION
)
SENT = {
    number: [TopicRecord(number, r.position // 3, 0, r.key, r.value) for r in FILE if r.position % 3 == number]
    for number in range(3)
}
MORE = TopicRecord(2, 2, 0, None, None)
SPANS = {number: (0, len(records)) for number, records in SENT.items()}


def difference(topic: dict[int, list[TopicRecord]], spans: Spans = SPANS) -> str | None:
    def scan(wanted: Spans) -> Iterable[TopicRecord]:
        # The partitions in any order, each from its start to its end.
        for number, (start, end) in reversed(wanted.items()):
            yield from (record for record in topic[number] if start <= record.offset < end)

    return compare_file(FILE, spans, scan).difference


def altered(number: int, offset: int, **changes: object) -> dict[int, list[TopicRecord]]:
    topic = {each: list(records) for each, records in SENT.items()}
    topic[number][offset] = replace(topic[number][offset], **changes)  # type: ignore[arg-type]
    return topic


def test_the_same_records_at_their_places_are_equal() -> None:
    assert difference(SENT) is None


def test_one_altered_byte_is_found_with_its_place_on_both_sides() -> None:
    value = (SENT[1][1].value or b"").replace(b"Traffic Stop", b"Traffic Stoq")

    said = difference(altered(1, 1, value=value))

    assert said is not None
    assert said.startswith("partition 1, offset 1 (position 4 of the file): the file has ")
    assert "Traffic Stop" in said.partition(", the topic ")[0]
    assert "Traffic Stoq" in said.partition(", the topic ")[2]


def test_of_several_differences_the_first_in_the_files_order_is_said() -> None:
    topic = altered(0, 2, value=b"later")
    topic[2][0] = TopicRecord(2, 0, 0, b"k", b"sooner")

    assert "offset 0 (position 2 of the file)" in (difference(topic) or "")


@pytest.mark.parametrize(
    ("topic", "spans", "said"),
    [
        ({**SENT, 1: SENT[1][:2]}, {**SPANS, 1: (0, 2)}, "partition 1, offset 2 (position 7 of the file): the file"),
        ({**SENT, 2: [*SENT[2], MORE]}, {**SPANS, 2: (0, 3)}, "the file has no more, the topic has None"),
        ({**SENT, 0: [SENT[0][0], SENT[0][2]]}, SPANS, "partition 0, offset 1 (position 3 of the file): the file has"),
        (altered(0, 0, key=b"another"), SPANS, "the topic b'another'"),
        (altered(0, 0, key=None), SPANS, "the topic None"),
        (altered(0, 0, value=None), SPANS, "partition 0, offset 0"),
        ({**SENT, 0: [replace(r, partition=0) for r in SENT[1]]}, SPANS, "partition 0, offset 0"),
    ],
)  # fmt: skip
def test_what_is_missing_too_much_or_elsewhere_is_a_difference(
    topic: dict[int, list[TopicRecord]], spans: Spans, said: str
) -> None:
    assert said in (difference(topic, spans) or "")


def test_what_the_topic_has_lost_at_its_start_is_said_and_the_rest_is_compared() -> None:
    spans = {**SPANS, 0: (1, 3)}

    assert difference(SENT, spans) is None
    assert difference(altered(0, 2, value=b"x"), spans) is not None
