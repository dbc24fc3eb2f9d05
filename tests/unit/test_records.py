"""Order, in memory and by way of runs on disk."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sf_police.calls.generate import generate_calls
from sf_police.errors import SfPoliceError
from sf_police.produce.records import event_records, file_records
from tests.support.builders import a_call

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
