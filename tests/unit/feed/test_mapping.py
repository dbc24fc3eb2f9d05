"""Rows of the cities' feeds become records of ours, or it is said why not: on literal rows."""

from __future__ import annotations

from typing import Any

import pytest

from examples.taxi_rides import QUESTION as TAXI
from sf_police.calls import QUESTION
from sf_police.errors import SfPoliceError, UsageError
from sf_police.feed.feeds import feed_named, known_feeds, own_shape
from sf_police.feed.mapping import RowMapping, UnmappedRowError

LIVE = {
    "cad_number": "251234567",
    "received_datetime": "2026-05-01T10:00:00.000",
    "call_type_original_desc": "SUSPICIOUS PERSON",
    "call_type_final_desc": "TRAFFIC STOP",
    "disposition": "ADV",
}


def mapped(row: dict[str, Any], feed: str = "sf-live") -> dict[str, str]:
    record = RowMapping(feed_named(feed), QUESTION).record(row, undecided="Open")
    assert list(record) == [field.name for field in QUESTION.fields]
    return {name: value for name, value in record.items() if value}


@pytest.mark.parametrize("name", known_feeds())
def test_every_feed_of_the_table_fills_the_required_fields(name: str) -> None:
    feed = feed_named(name)
    row = {feed.id: "7", feed.type[0]: "FIGHT", feed.time: "2026-05-01T10:00:00.000", feed.resolution: "ARR"}

    assert mapped(row, name) == {
        "crime_id": "7", "original_crime_type_name": "FIGHT", "call_date_time": "2026-05-01T10:00:00.000",
        "disposition": "ARR",
    }  # fmt: skip


def test_the_final_type_counts_and_the_original_one_where_it_is_missing() -> None:
    assert mapped(LIVE)["original_crime_type_name"] == "TRAFFIC STOP"
    for missing in ({"call_type_final_desc": None}, {"call_type_final_desc": "  "}):
        assert mapped({**LIVE, **missing})["original_crime_type_name"] == "SUSPICIOUS PERSON"


def test_a_call_without_a_resolution_has_the_one_that_was_asked_for() -> None:
    assert mapped({name: value for name, value in LIVE.items() if name != "disposition"})["disposition"] == "Open"
    assert mapped({**LIVE, "disposition": " "})["disposition"] == "Open"


def test_columns_of_the_same_name_are_taken_too() -> None:
    row = {"crime_id": 182, "original_crimetype_name": "Passing Call", "call_dttm": "2018-12-31T23:57:00.000",
           "address": "Geary Bl", "call_time": "23:57"}  # fmt: skip

    assert mapped(row, "sf-historic") == {
        "crime_id": "182", "original_crime_type_name": "Passing Call", "call_date_time": "2018-12-31T23:57:00.000",
        "disposition": "Open", "address": "Geary Bl", "call_time": "23:57",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2026-05-01T10:00:00.000", "2026-05-01T10:00:00.000"),
        ("2026-05-01T10:00:00", "2026-05-01T10:00:00.000"),
        ("2026-05-01 10:00", "2026-05-01T10:00:00.000"),
        ("2026-05-01T10:00:00.1", "2026-05-01T10:00:00.100"),
        ("2026-05-01T10:00:00.123999", "2026-05-01T10:00:00.123"),
    ],
)
def test_times_take_the_form_of_ours(time: str, expected: str) -> None:
    assert mapped({**LIVE, "received_datetime": time})["call_date_time"] == expected


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"cad_number": None}, "it has no cad_number"),
        ({"cad_number": True}, "cad_number is neither text nor a number"),
        ({"cad_number": {"a": 1}}, "cad_number is neither text nor a number"),
        ({"call_type_final_desc": "", "call_type_original_desc": None},
         "it has no call_type_final_desc or call_type_original_desc"),
        ({"received_datetime": None}, "it has no received_datetime"),
        ({"received_datetime": "2026-05-01T10:00:00.000Z"}, "received_datetime has an offset"),
        ({"received_datetime": "2026-05-01T10:00:00-08:00"}, "received_datetime has an offset"),
        ({"received_datetime": "05/01/2026 10:00:00 AM"}, "received_datetime is no time: 05/01/2026"),
        ({"received_datetime": "2026-02-30T10:00:00.000"}, "received_datetime is no real time"),
        ({"received_datetime": "2026-02-28T25:00:00.000"}, "received_datetime is no real time"),
        ({"call_type_final_desc": "ä" * 501}, "original_crime_type_name would be longer than 1,000 bytes"),
        ({"disposition": "x" * 501}, "disposition would be longer than 500 bytes"),
    ],
)  # fmt: skip
def test_what_the_stream_would_reject_is_no_record(changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnmappedRowError) as error:
        mapped({**LIVE, **changed})
    assert str(error.value).startswith(reason)


def test_the_questions_own_names_are_a_shape_too() -> None:
    row = {"crime_id": 1, "original_crime_type_name": "Fight", "call_date_time": "2018-12-31T23:57:00.000000",
           "disposition": None, "city": "San Francisco"}  # fmt: skip
    record = RowMapping(own_shape(QUESTION), QUESTION).record(row, undecided=QUESTION.no_vote)

    assert {name: value for name, value in record.items() if value} == {
        "crime_id": "1", "original_crime_type_name": "Fight", "call_date_time": "2018-12-31T23:57:00.000",
        "disposition": "Not recorded", "city": "San Francisco",
    }  # fmt: skip


def test_an_unknown_feed_and_a_question_without_one_are_refused() -> None:
    with pytest.raises(UsageError, match="FEED=chicago: expected one of sf-live, sf-closed, sf-historic, seattle, "):
        feed_named("chicago")
    with pytest.raises(SfPoliceError, match="the question taxi_rides takes no feed of calls: leave FEED out"):
        RowMapping(feed_named("sf-live"), TAXI)
