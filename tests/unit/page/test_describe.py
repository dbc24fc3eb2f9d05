"""The state of things in words: text, numbers and ISO times alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from examples.taxi_rides import QUESTION as TAXI
from sf_police import __version__, how_to
from sf_police.calls import QUESTION
from sf_police.page.colors import NO_VOTE, NO_VOTE_PLACE, OTHERS, OTHERS_PLACE, PALETTE, most_frequent, place_of
from sf_police.page.describe import described, words_of
from sf_police.page.watch import Snapshot
from tests.support.builders import a_batch

STATES = ("opening", "none", "unusable", "empty", "live", "idle", "stopped")
BATCH = replace(
    a_batch(7, start=10, read=1, counted=1, lag=3), committed_at=datetime(2026, 1, 1, 12, 0, 0, 500_000), seconds=0.123
)


def test_a_snapshot_is_described_whole() -> None:
    snapshot = Snapshot(
        9,
        "live",
        first=datetime(2018, 10, 1),
        last=datetime(2018, 12, 31, 23, 30),
        is_whole=True,
        length_s=1_800,
        batch=BATCH,
        settings={"topic": "calls", "watermark": "10 minutes", "partitions": 3},
    )

    found = described(snapshot, QUESTION)

    assert found.pop("question")["title"] == QUESTION.asks
    assert list(found.pop("commands")) == ["rejected", "late"]
    assert found == {
        "version": 9, "program": __version__, "state": "live", "state_text": "live",
        "note": "a stream runs into this store, and the page follows each commit",
        "broken_note": "do not trust these figures: run `make doctor`, which says what is wrong",
        "first": "2018-10-01 00:00:00", "last": "2018-12-31 23:30:00", "length_s": 1_800, "is_whole": True,
        "topic": "calls", "watermark": "10 minutes",
        "batch": {
            "batch": 7, "read": 1, "seconds": 0.123, "lag": 3, "watermark": "2018-10-12 14:00:00",
            "committed_at": "2026-01-01 12:00:00.500000", "text": "batch 7: 1 record in 0.12 s",
        },
    }  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_words_and_all_but_the_shortest_say_what_to_do(state: str) -> None:
    found = described(Snapshot(1, state), QUESTION)

    assert found["state_text"]
    assert bool(found["note"]) is (state in ("empty", "live", "idle", "stopped"))
    assert (found["batch"], found["first"], found["topic"]) == (None, None, "")
    assert json.loads(json.dumps(found))["state"] == state


def test_what_went_wrong_goes_before_what_a_state_says() -> None:
    assert described(Snapshot(1, "unusable", note="it is gone"), QUESTION)["note"] == "it is gone"


def test_where_there_is_no_makefile_the_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(how_to, "is_clone", lambda: False)
    monkeypatch.setattr(how_to, "program", lambda: "sf-police")

    found = described(Snapshot(1, "stopped"), QUESTION)
    assert found["note"].endswith("`sf-police stream` resumes it")
    assert found["commands"] == {"rejected": "`sf-police rejected`", "late": "`sf-police late`"}


def test_the_words_are_the_questions() -> None:
    words = words_of(TAXI)

    assert words.pop("rule").startswith("A window is marked when its rides are further from the median")
    assert words.pop("colors") == {**dict(enumerate(PALETTE)), OTHERS_PLACE: OTHERS, NO_VOTE_PLACE: NO_VOTE}
    assert words == {
        "title": TAXI.title, "rows": "rides", "rows_column": "rides", "id": "ride id", "spread": "zones",
        "kinds": "zones", "kind": "zone", "kind_column": "zone", "outcome": "payment", "outcome_column": "payment",
        "no_vote": "", "usual_column": "usual_payment", "time_zone": "", "decimals": ["fare"],
    }  # fmt: skip
    assert words_of(QUESTION)["no_vote"] == "Not recorded"
    assert (words_of(QUESTION)["kinds"], words_of(QUESTION)["decimals"]) == ("crime types", [])
    assert words_of(QUESTION)["time_zone"] == "America/Los_Angeles"


def test_all_kinds_are_not_called_what_only_some_of_them_are() -> None:
    words = words_of(replace(TAXI, spread="zones_with_tips"))

    assert (words["spread"], words["kinds"]) == ("zones with tips", "zones")


@pytest.mark.parametrize(
    ("total", "no_vote", "frequent"),
    [
        ({}, "", []),
        ({"b": 2, "a": 2, "c": 9}, "", ["c", "a", "b"]),
        ({"none": 9, "a": 1}, "none", ["a"]),
        ({"": 9, "a": 1}, "", ["", "a"]),  # a blank one has a vote where each has
        ({name: n for n, name in enumerate("abcdefghij")}, "", list("jihgfed")),
    ],
)
def test_the_most_frequent_outcomes_have_colours(total: dict[str, int], no_vote: str, frequent: list[str]) -> None:
    assert most_frequent(total, no_vote=no_vote) == frequent


@pytest.mark.parametrize(
    ("outcome", "no_vote", "place"),
    [("a", "", 0), ("b", "none", 1), ("z", "", OTHERS_PLACE), ("none", "none", NO_VOTE_PLACE), ("", "", OTHERS_PLACE)],
)
def test_each_outcome_has_a_place(outcome: str, no_vote: str, place: int) -> None:
    assert place_of(outcome, ["a", "b"], no_vote=no_vote) == place


def test_all_colours_differ() -> None:
    colors: list[Any] = [*PALETTE, OTHERS, NO_VOTE]

    assert len({color.lower() for color in colors}) == len(colors)
    assert len(PALETTE) < OTHERS_PLACE < NO_VOTE_PLACE
