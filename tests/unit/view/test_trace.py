"""A record's way in words: each outcome, hostile values, and what is not known."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from sf_police.calls import QUESTION
from sf_police.how_to import in_reach
from sf_police.produce.locating import FileRecord
from sf_police.topic.record import TopicRecord
from sf_police.trace.journey import Fate, Found, InFile, InStore, InTopic, Journey, Outcome
from sf_police.view.trace import print_trace, rows, stages
from tests.support.builders import a_batch

TWO = datetime(2018, 10, 12, 14)
JOURNEY = Journey(
    Fate(Outcome.COUNTED),
    in_file=InFile("calls.json", 2_000, FileRecord(1_233, 52_000, 52_430, 766, b"k", b"{}"), True, True),
    in_topic=InTopic("a-topic", TopicRecord(1, 1_255, 1_700_000_000_007, b"182\x1b[31m", b"{}"), 766),
    batch=replace(a_batch(12), start_offsets={"1": 1_000}, end_offsets={"1": 2_000}, watermark=TWO),
    fields={"crime_id": "182\x1b[31m", "disposition": "x" * 400},
    event_time=TWO + timedelta(minutes=20),
    in_store=InStore(TWO, TWO + timedelta(minutes=30), ("Traffic Stop", "Handled\n"), {"calls": 3}, 61),
)


def said(journey: Journey) -> dict[str, str]:
    return dict(stages(journey, QUESTION))


def test_each_stage_has_a_line_without_effect_on_a_terminal() -> None:
    assert said(JOURNEY) == {
        "file": "calls.json: record 1,234 of 2,000, bytes 52,000 to 52,429 of it unpacked",
        "event order": "place 767 of 2,000; sent to its place, with the same bytes",
        "topic": "a-topic, partition 1, offset 1,255; Kafka timestamp 2023-11-14 22:13:20.007 UTC; key 182\\x1b[31m; "
        "2 bytes",
        "micro-batch": "12: offsets 1,000 to 1,999 of the partition; watermark before it 2018-10-12 14:00:00",
        "parsed": f"crime_id 182\\x1b[31m; disposition {'x' * 300}…",
        "outcome": "counted in the window 2018-10-12 14:00 to 14:30",
        "store": "Traffic Stop, Handled\\n: 3 calls, this one and 2 others; 61 calls in the window",
    }


@pytest.mark.parametrize(
    ("fate", "expected"),
    [
        (
            Fate(Outcome.COUNTED, alike=2),
            "counted in the window 2018-10-12 14:00 to 14:30; the first of 2 records with this crime id and time, of "
            "which one was counted",
        ),
        (
            Fate(Outcome.ONE_OF, alike=3),
            "one of 3 records with this crime id and time, of which one was counted in the window 2018-10-12 14:00 to "
            "14:30; more than one of them is in this micro-batch, and which it was is not recorded",
        ),
        (
            Fate(Outcome.DUPLICATE, alike=2, counted=(0, 1_234)),
            "a duplicate: one of 2 records with this crime id and time, of which one was counted: that at partition 0, "
            "offset 1,234",
        ),
        (
            Fate(Outcome.DUPLICATE, alike=3),
            "a duplicate: one of 3 records with this crime id and time, of which one was counted",
        ),
        (Fate(Outcome.LATE, late_by=timedelta(hours=1)), "late: its time is 01:00:00 before the watermark"),
        (Fate(Outcome.LATE, late_by=timedelta(0)), "late: its time is at the watermark, and not after it"),
        (Fate(Outcome.REJECTED, reason="no\x1bvalue"), "rejected: no\\x1bvalue"),
        (Fate(Outcome.NOT_READ), "in no micro-batch yet: no stream has read it so far"),
    ],
)
def test_each_outcome_in_words(fate: Fate, expected: str) -> None:
    assert said(replace(JOURNEY, fate=fate))["outcome"] == expected


def test_every_outcome_can_be_said() -> None:
    for outcome in Outcome:
        assert said(Journey(Fate(outcome)))["outcome"]


def test_what_contradicts_is_said_aloud() -> None:
    assert JOURNEY.in_file
    assert JOURNEY.in_store
    other = replace(JOURNEY, in_file=replace(JOURNEY.in_file, is_same=False))
    lost = replace(JOURNEY, in_store=replace(JOURNEY.in_store, row=None))

    assert said(other)["event order"] == "place 767 of 2,000; THE TOPIC HAS OTHER BYTES in its place"
    assert said(lost)["store"].endswith(f"THERE SHOULD BE ONE: see {in_reach('`sf-police verify`')}")


def test_several_records_are_numbered(capsys: pytest.CaptureFixture[str]) -> None:
    found = Found((JOURNEY, Journey(Fate(Outcome.NOT_SENT), in_file=JOURNEY.in_file)), ("a", "b"))

    print_trace(found, QUESTION, format="text")

    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("record ")] == ["record 1 of 2", "record 2 of 2"]
    assert {row["record"] for row in rows(found, QUESTION)} == {1, 2}


def test_json_has_everything(capsys: pytest.CaptureFixture[str]) -> None:
    print_trace(Found((JOURNEY,), ("a", "b")), QUESTION, format="json")

    document = json.loads(capsys.readouterr().out)
    assert document["looked_through"] == ["a", "b"]
    [record] = document["records"]
    assert record["file"] == {
        "path": "calls.json", "records": 2_000, "number": 1_233, "start": 52_000, "end": 52_430, "place": 766,
        "is_sent_to_its_place": True, "has_the_topics_bytes": True,
    }  # fmt: skip
    assert record["topic"]["timestamp_ms"] == 1_700_000_000_007
    assert record["parsed"]["event_time"] == "2018-10-12 14:20:00"
    assert record["store"]["row"] == {"calls": 3}
