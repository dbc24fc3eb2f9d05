"""What a definition of a topic may be, and what derives from it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from examples.taxi_rides import QUESTION as TAXI
from sf_police.calls import QUESTION
from sf_police.question import Field, number_of, plural


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "address"}, "'address' cannot be the id or the time, or filled by a feed: it is not a required field"),
        ({"id": "nothing"}, "'nothing' cannot be the id or the time"),
        ({"time": "fare"}, "'fare' cannot be the time: it is not a string"),
        ({"time_form": "12/31/2018"}, "cannot be a time's form"),
        ({"time_form": "2018-12-31T23:57:00+01:00"}, "cannot be a time's form"),
        ({"fields": (*QUESTION.fields, Field("event_time"))}, "'event_time' cannot be the name of a field"),
        ({"fields": (*QUESTION.fields, Field("a'b"))}, "cannot be the name of a field"),
        ({"rows": "Calls; DROP"}, "cannot be the name of a column"),
        ({"groups": (Field("Crime Type"),)}, "'Crime Type' cannot be the name of a column"),
        ({"name": "my-question"}, "'my-question' cannot be the name of a question"),
        ({"fields": (*QUESTION.fields, QUESTION.fields[0])}, "'crime_id, crime_id' cannot be the name of two fields"),
        ({"groups": (Field("calls"),)}, "'calls, calls' cannot be the name of two fields or columns"),
        ({"groups": (Field("fare", "decimal(8,2)"),)}, "'fare' cannot be a group column: it is a decimal"),
        ({"sums": (Field("fare"),)}, "'fare' cannot be a sum: it is a string"),
        ({"sums": (Field("fare", "decimal(16,2)"),)}, "'fare' cannot be a sum: it has more than 15 digits"),
        ({"answers": "-- name: window_answers\nSELECT 1;"}, "'overall_answer' cannot be left out of the answers"),
    ],
)
def test_a_definition_that_cannot_work_is_refused(change: dict[str, Any], message: str) -> None:
    fields = (*QUESTION.fields, Field("fare", "decimal(8,2)", is_required=True))

    with pytest.raises(ValueError, match=re.escape(message)):
        replace(QUESTION, **{"fields": fields, **change})


@pytest.mark.parametrize("kind", ["float", "decimal", "decimal(0,0)", "decimal(19,2)", "decimal(2,3)", "decimal(8, 2)"])
def test_a_type_that_there_is_not_is_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="fare"):
        Field("fare", kind)


@pytest.mark.parametrize(
    ("kind", "digits", "scale"), [("decimal(8,2)", 8, 2), ("decimal(18,18)", 18, 18), ("integer", 0, 0)]
)
def test_a_decimal_knows_its_digits(kind: str, digits: int, scale: int) -> None:
    field = Field("x", kind)

    assert (field.digits, field.scale) == (digits, scale)


@pytest.mark.parametrize(
    ("text", "matches"),
    [("2024-03-01T08:15:00Z", True), ("2024-03-01T08:15:00", False), ("2024-03-01T08:15:0xZ", False)],
)
def test_times_have_the_form(text: str, matches: bool) -> None:
    assert bool(re.fullmatch(TAXI.time_pattern, text)) is matches


def test_stored_columns_are_window_groups_count_and_sums() -> None:
    assert TAXI.stored_columns == ("window_start", "window_end", "zone", "payment", "rides", "fare")


def test_a_label_is_the_own_one_or_the_name_in_words() -> None:
    question = replace(QUESTION, groups=(Field("crime_type", label="kind of crime"), Field("resolution")))

    labels = [question.label(name) for name in ("crime_type", "usual_resolution_calls", "crime_types")]
    assert labels == ["kind of crime", "its calls", "crime types"]


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        ({"labels": {}}, True),
        ({"answers": QUESTION.answers.lower()}, True),
        ({"title": "another"}, True),
        ({"name": "another"}, False),
        ({"rows": "events"}, False),
        ({"id": "disposition"}, False),
        ({"time_form": "2018-12-31T23:57:00"}, False),
        ({"fields": QUESTION.fields[:-1]}, False),
        ({"groups": QUESTION.groups[:1]}, False),
        ({"sums": (Field("fare", "decimal(8,2)"),)}, False),
    ],
)
def test_the_fingerprint_is_of_what_is_stored(change: dict[str, Any], is_same: bool) -> None:
    changed = replace(QUESTION, **change)

    assert (json.dumps(changed.fingerprint) == json.dumps(QUESTION.fingerprint)) is is_same


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("window", "windows"), ("crime_type", "crime_types"), ("status", "statuses"), ("city", "cities"),
        ("key", "keys"), ("branch", "branches"), ("tax", "taxes"),
    ],
)  # fmt: skip
def test_a_column_has_a_plural(one: str, many: str) -> None:
    assert plural(one) == many
    assert number_of(1, many) == f"1 {one}"
