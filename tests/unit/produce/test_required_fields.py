"""Files of other records than ours are refused at the file, by the names and types of their first objects."""

from __future__ import annotations

from typing import Any

import pytest

from sf_police.calls import QUESTION
from sf_police.errors import SfPoliceError
from sf_police.produce.required_fields import ensure_required
from sf_police.question import Field
from tests.support.builders import a_call


def checked(*records: dict[str, Any], required: tuple[Field, ...] = QUESTION.required) -> list[dict[str, Any]]:
    return list(ensure_required(iter(records), "x.json", required))


@pytest.mark.parametrize(
    "records",
    [
        [a_call()],
        [a_call(disposition=None)],
        [a_call(disposition=" "), a_call(call_date_time="2018-12-31")],
        [a_call(disposition=...), a_call()],
        [*[a_call(disposition=...)] * 99, a_call()],
        [a_call(crime_id=1), a_call()],
        [],
    ],
    ids=["whole", "null", "blank", "left out", "left out of 99", "a number once", "no record"],
)
def test_what_is_one_records_fault_is_left_to_the_stream(records: list[dict[str, Any]]) -> None:
    assert checked(*records) == records


@pytest.mark.parametrize(
    ("records", "message"),
    [
        (
            [a_call(original_crime_type_name=..., call_date_time=..., original_crimetype_name="x")],
            "x.json: its first object lacks original_crime_type_name, call_date_time; it has crime_id, report_date, "
            "call_date, offense_date, call_time, disposition, address, city, …",
        ),
        (
            [{"id": "1", "cad_number": "1", "disposition": "ADV"}],
            "x.json: its first object lacks crime_id, original_crime_type_name, call_date_time; "
            "it has id, cad_number, disposition",
        ),
        (
            [{"error": True}, {"message\x1b": 1}],
            "x.json: each of its first 2 objects lacks crime_id, original_crime_type_name, call_date_time, "
            "disposition; it has error, message?",
        ),
        (
            [{}],
            "x.json: its first object lacks crime_id, original_crime_type_name, call_date_time, disposition; "
            "it has no field",
        ),
        (
            [*[a_call(disposition=...)] * 100, a_call()],
            "x.json: each of its first 100 objects lacks disposition; it has crime_id, original_crime_type_name, "
            "report_date, call_date, offense_date, call_time, call_date_time, address, …",
        ),
        (
            [a_call(crime_id=1), a_call(crime_id=2)],
            "x.json: crime_id is a number in each of its first 2 objects, but must be a string: "
            "export it with that type",
        ),
        (
            [a_call(disposition={"code": "HAN"})],
            "x.json: disposition is an object in its first object, but must be a string: export it with that type",
        ),
    ],
)
def test_what_is_the_whole_files_fault_is_refused(records: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(SfPoliceError) as error:
        checked(*records)

    assert str(error.value) == message


@pytest.mark.parametrize(
    ("field", "value", "is_accepted"),
    [
        (Field("n", "integer"), 1, True),
        (Field("n", "integer"), "1", False),
        (Field("n", "integer"), True, False),
        (Field("n", "decimal(5,2)"), 1.5, True),
        (Field("n", "decimal(5,2)"), 1, True),
        (Field("n", "decimal(5,2)"), "1.5", False),
    ],
)
def test_numbers_are_as_the_field_has_them(field: Field, value: Any, is_accepted: bool) -> None:
    if is_accepted:
        assert checked({"n": value}, required=(field,)) == [{"n": value}]
    else:
        with pytest.raises(SfPoliceError, match=r"^x\.json: n is a .* in its first object, but must be an? "):
            checked({"n": value}, required=(field,))
