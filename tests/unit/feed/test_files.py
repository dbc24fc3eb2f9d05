"""Files of the cities' own shapes: mapped, or refused as a whole; the small ones are what people have downloaded."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from examples.taxi_rides import QUESTION as TAXI
from sf_police.calls import QUESTION
from sf_police.errors import SfPoliceError
from sf_police.feed.files import shaped
from sf_police.produce.json_files import read_records
from tests.support.builders import a_call

HISTORIC = {"crime_id": "1", "original_crimetype_name": "Traffic Stop", "call_dttm": "2018-12-31T23:57:00.000",
            "disposition": "ADM"}  # fmt: skip
LIVE = {"id": "251234567", "cad_number": "251234567", "received_datetime": "2025-05-01T10:00:00.000",
        "call_type_final_desc": "TRAFFIC STOP", "call_type_original_desc": "SUSPICIOUS"}  # fmt: skip
CALL = ("crime_id", "original_crime_type_name", "call_date_time", "disposition")


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., tuple[list[tuple[Any, ...]], list[str]]]:
    """The four required fields of each record of a file, and what was said."""

    def read(*rows: dict[str, Any], feed: str | None = None) -> tuple[list[tuple[Any, ...]], list[str]]:
        path, said = tmp_path / "calls.json", list[str]()
        path.write_text(json.dumps(rows))
        shape = partial(shaped, question=QUESTION, feed=feed, say=said.append)
        records = list(read_records(path, required=QUESTION.required, shape=shape))
        return [tuple(record.get(name) for name in CALL) for record in records], said

    return read


Read = Callable[..., tuple[list[tuple[Any, ...]], list[str]]]


def test_files_of_the_citys_names_are_seen_and_mapped(read: Read) -> None:
    records, [said] = read(HISTORIC, {**HISTORIC, "crime_id": 2, "disposition": None})

    assert records == [
        ("1", "Traffic Stop", "2018-12-31T23:57:00.000", "ADM"),
        ("2", "Traffic Stop", "2018-12-31T23:57:00.000", "Not recorded"),
    ]
    assert said.endswith(
        "calls.json has the columns of San Francisco's hz9m-tj6z: they are mapped as those of sf-historic"
    )


def test_a_snapshot_of_the_live_feed_is_seen_although_no_call_has_a_disposition(read: Read) -> None:
    records, _ = read(LIVE)

    assert records == [("251234567", "TRAFFIC STOP", "2025-05-01T10:00:00.000", "Not recorded")]


def test_files_of_our_own_names_are_left_as_they_are(read: Read) -> None:
    call = a_call(disposition=None, city=5)
    records, said = read(call, a_call(crime_id=7))

    assert (records, said) == ([tuple(call[name] for name in CALL), (7, *(a_call()[name] for name in CALL[1:]))], [])


def test_our_own_names_are_mapped_where_that_is_asked_for(read: Read) -> None:
    own = partial(a_call, call_date_time="2018-12-31T23:57:00.123456")

    assert read(own(crime_id=7), own(disposition=None), feed="own") == (
        [
            ("7", "Traffic Stop", "2018-12-31T23:57:00.123", "HAN"),
            ("182850001", "Traffic Stop", "2018-12-31T23:57:00.123", "Not recorded"),
        ],
        [],
    )


@pytest.mark.parametrize(
    ("time", "remedy"),
    [
        ("2018-12-31T23:57:00.000000", "with `--feed own` they are taken"),
        ("2018-12-31 23:57:00", "with `--feed own` they are taken"),
        ("2018-12-31T23:57:00.000Z", "export them as wall clock times, without offset (call_date_time has an offset"),
        ("2018-12-31T23:57:00.000-08:00", "export them as wall clock times, without offset (call_date_time has an "),
        ("12/31/2018 11:57:00 PM", "export them as wall clock times, without offset (call_date_time is no time: 12/"),
    ],
)
def test_times_of_another_form_throughout_are_refused(read: Read, time: str, remedy: str) -> None:
    with pytest.raises(SfPoliceError) as error:
        read(a_call(call_date_time=time), a_call(call_date_time=time))

    assert (
        "calls.json: call_date_time is not of the form 2018-12-31T23:57:00.000 in any of its first 2 objects: "
        in str(error.value)
    )
    assert error.value.remedy.startswith(remedy)


@pytest.mark.parametrize("missing", [{"disposition": None}, {}], ids=["null", "missing"])
def test_many_calls_without_a_disposition_are_refused_and_taken_where_that_is_asked_for(
    read: Read, missing: dict[str, None]
) -> None:
    without = {name: value for name, value in a_call().items() if name != "disposition"} | missing
    rows = [*[a_call()] * 18, without, without]

    with pytest.raises(SfPoliceError, match="disposition is null or missing in 2 of its first 20 objects") as refused:
        read(*rows)
    assert refused.value.remedy == "with `--feed own` they are taken as Not recorded"
    assert [record[3] for record in read(*rows, feed="own")[0]][-3:] == ["HAN", "Not recorded", "Not recorded"]


def test_few_calls_without_a_disposition_are_the_fault_of_their_records(read: Read) -> None:
    records, said = read(*[a_call()] * 19, a_call(disposition=None))

    assert (records[-1][3], said) == (None, [])


def test_one_bad_time_among_others_is_the_fault_of_its_record(read: Read) -> None:
    assert len(read(a_call(call_date_time="yesterday"), a_call())[0]) == 2


@pytest.mark.parametrize(
    ("changed", "feed", "message"),
    [
        (
            {"call_dttm": "2018-12-31T23:57:00.000Z"},
            None,
            "record 2: call_dttm has an offset (2018-12-31T23:57:00.000Z)",
        ),
        ({"crime_id": None}, None, "record 2: it has no crime_id: correct it in the file"),
        ({"original_crimetype_name": {}}, "sf-historic", "record 2: original_crimetype_name is neither text nor"),
        ({}, "seattle", "record 1: it has no cad_event_number"),
        ({}, "chicago", "FEED=chicago: expected one of sf-live"),
    ],
)
def test_a_record_that_cannot_be_mapped_refuses_the_file(
    read: Read, changed: dict[str, Any], feed: str | None, message: str
) -> None:
    with pytest.raises(SfPoliceError) as error:
        read(HISTORIC, {**HISTORIC, **changed}, feed=feed)
    assert message in str(error.value)


def test_other_columns_are_refused_as_before(read: Read) -> None:
    row = {"cad_event_number": "2009000112863", "event_clearance_description": "TRAFFIC", "call_type": "ONVIEW",
           "original_time_queued": "2009-06-02T03:43:08.000"}  # fmt: skip

    with pytest.raises(
        SfPoliceError, match="its first object lacks crime_id, original_crime_type_name, call_date_time"
    ):
        read(row)


def test_a_question_that_takes_no_feed_has_its_files_as_they_are_and_no_shapes() -> None:
    rows = iter([{"anything": 1}])
    assert list(shaped(rows, "rides.json", question=TAXI, feed=None, say=print)) == [{"anything": 1}]
    with pytest.raises(SfPoliceError, match="the question taxi_rides takes no feed of calls"):
        list(shaped(iter([]), "rides.json", question=TAXI, feed="own", say=print))
