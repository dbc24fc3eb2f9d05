"""Order, in memory and by way of runs on disk."""

from __future__ import annotations

import errno
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sf_police.calls.generate import generate_calls
from sf_police.errors import SfPoliceError
from tests.support.builders import a_call
from tests.support.question import event_records, file_records

TIMES = st.lists(st.sampled_from(["14:30", "14:31", "14:32", "no time"]), max_size=30)


def calls(times: list[str]) -> list[dict[str, Any]]:
    return [a_call(crime_id=str(n), call_date_time=f"2018-10-12T{time}:00.000") for n, time in enumerate(times)]


@given(TIMES, st.integers(1, 3000))
def test_runs_on_disk_give_the_order_that_memory_gives(times: list[str], most_bytes: int) -> None:
    for arrange in (event_records, file_records):
        records = arrange(calls(times), most_bytes=most_bytes)

        assert list(records) == list(arrange(calls(times)))
        assert len(records) == len(times)


def test_records_are_gone_over_as_often_as_one_likes() -> None:
    records = event_records(generate_calls(calls=5000), most_bytes=300_000)

    first, second = iter(records), iter(records)
    assert [next(first), *zip(first, second, strict=False)][0] == next(iter(records))
    assert [record.position for record in records] == list(range(5000))
    assert records.at([0, 4999, 5000]) == {0: list(records)[0], 4999: list(records)[4999]}


def test_no_space_for_a_run_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(SfPoliceError, match=r"cannot sort the file in .*: No space left on device"):
        event_records(generate_calls(calls=10), tmp_path, most_bytes=100)


def times(*minutes: str) -> list[dict[str, Any]]:
    return [a_call(crime_id=str(n), call_date_time=f"2018-10-12T{m}:00.000") for n, m in enumerate(minutes)]


def order(calls: list[dict[str, Any]]) -> list[str]:
    return [json.loads(record.value)["crime_id"] for record in event_records(calls)]


def test_event_records_go_by_event_time_and_ties_by_reversed_file_order() -> None:
    assert order(times("14:30", "14:29", "14:30", "14:00")) == ["3", "1", "2", "0"]


def test_a_call_without_a_readable_time_stays_after_its_predecessor() -> None:
    calls = times("14:30", "14:00", "13:00")
    calls.insert(1, a_call(crime_id="broken", call_date_time="2018-02-30T00:00:00.000"))

    # Oldest first it reads 2, 1, broken, 0: the broken one follows 1.
    assert order(calls) == ["2", "1", "broken", "0"]


def test_file_records_go_as_the_file_has_them() -> None:
    records = list(file_records(times("14:30", "14:29", "14:31")))

    assert [(record.position, record.key, record.time[11:16]) for record in records] == [
        (0, b"0", "14:30"), (1, b"1", "14:29"), (2, b"2", "14:31"),
    ]  # fmt: skip


def test_event_records_have_positions_keys_and_compact_values() -> None:
    [record] = event_records([{"crime_id": "1", "city": "San José", "x": [1, None]}])

    assert record == (0, "", b"1", '{"crime_id":"1","city":"San José","x":[1,null]}'.encode())


def test_a_call_without_an_id_has_no_key() -> None:
    assert [record.key for record in event_records([{"crime_id": True}, {"a": 2}])] == [None, None]


@given(st.lists(st.sampled_from(["14:00", "14:01", "14:02", "x"]), max_size=12))
def test_event_order_is_a_stable_sort_of_the_reversed_file(minutes: list[str]) -> None:
    calls = times(*minutes)
    carried, expected = "", []
    for call in reversed(calls):
        carried = call["call_date_time"] if "x" not in call["call_date_time"] else carried
        expected.append((carried, call["crime_id"]))

    assert order(calls) == [crime_id for _, crime_id in sorted(expected, key=lambda pair: pair[0])]
