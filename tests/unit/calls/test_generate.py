"""The synthetic file has the shape and the traps of the real one."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from sf_police.calls import QUESTION
from sf_police.calls.generate import generate_calls
from sf_police.produce.generated_file import write_records


@pytest.fixture(scope="module")
def calls() -> list[dict[str, str]]:
    return list(generate_calls())


def test_it_is_as_large_as_the_original_and_four_calls_stand_twice(calls: list[dict[str, str]]) -> None:
    copies = Counter(json.dumps(call) for call in calls)

    assert len(calls) == 199_999
    assert sorted(copies.values())[-5:] == [1, 2, 2, 2, 2]
    assert len({call["crime_id"] for call in calls}) == 199_995


def test_every_call_has_the_fields_in_order_as_strings(calls: list[dict[str, str]]) -> None:
    assert {tuple(call) for call in calls} == {tuple(field.name for field in QUESTION.fields)}
    assert {type(value) for call in calls for value in call.values()} == {str}


def test_it_is_newest_first_in_whole_minutes_of_the_quarter(calls: list[dict[str, str]]) -> None:
    times = [datetime.fromisoformat(call["call_date_time"]) for call in calls]

    assert times == sorted(times, reverse=True)
    assert times[-1] >= datetime(2018, 10, 2, 9, 11)
    assert times[0] <= datetime(2018, 12, 31, 23, 57)
    assert {time.second for time in times} == {0}


def test_the_repeated_hour_holds_two_hours_of_calls(calls: list[dict[str, str]]) -> None:
    by_hour = Counter(call["call_date_time"][:13] for call in calls)
    other_sundays = [by_hour[f"2018-{day}T01"] for day in ("10-14", "10-21", "10-28", "11-11", "11-18")]

    assert by_hour["2018-11-04T01"] > 1.5 * sum(other_sundays) / len(other_sundays)


def test_dispositions_have_their_shares(calls: list[dict[str, str]]) -> None:
    shares = Counter(call["disposition"] for call in calls)

    assert len(shares) == 28
    for code, original in {"HAN": 57_639, "GOA": 26_211, "Not recorded": 19_238, "22": 1_546, "HOT": 1}.items():
        assert shares[code] == pytest.approx(original, rel=0.01, abs=2)


def test_crime_types_have_a_long_tail(calls: list[dict[str, str]]) -> None:
    types = Counter(call["original_crime_type_name"].strip() for call in calls)

    assert 3_300 <= len(types) <= 3_500
    assert types.most_common(1)[0][1] / len(calls) == pytest.approx(0.18, abs=0.01)
    assert sum(1 for calls_of in types.values() if calls_of == 1) > len(types) / 2


def test_blank_fields_have_their_shares(calls: list[dict[str, str]]) -> None:
    blank = Counter(name for call in calls for name, value in call.items() if not value)

    assert set(blank) == {"city", "common_location"}
    assert blank["city"] / len(calls) == pytest.approx(0.02, abs=0.002)
    assert blank["common_location"] / len(calls) == pytest.approx(0.87, abs=0.01)


def test_the_same_seed_gives_the_same_file_and_another_another(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_records(tmp_path / name, generate_calls(calls=500, seed=seed))
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")

    assert a == b
    assert a != c


def test_the_file_is_printed_as_the_original_is(tmp_path: Path) -> None:
    write_records(tmp_path / "calls.json", generate_calls(calls=3))
    text = (tmp_path / "calls.json").read_text("ascii")

    assert text == json.dumps(json.loads(text), indent=4)
