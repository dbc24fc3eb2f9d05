"""Where records stand: their bytes in the unpacked file, whichever reader reads it, and their place in event order."""

from __future__ import annotations

import bz2
import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sf_police.calls import QUESTION
from sf_police.feed.files import shaped
from sf_police.produce.locating import locate_records
from sf_police.produce.records import event_records
from tests.support.builders import a_call

# Newest first, as in the file. Two at the same time, one without a time, another with something that orjson leaves.
CALLS: list[dict[str, Any]] = [
    a_call(crime_id="5", call_date_time="2018-10-12T14:25:00.000"),
    a_call(crime_id="4", call_date_time="2018-10-12T14:20:00.000", address="é\U0001f693"),
    a_call(crime_id="3", call_date_time="2018-10-12T14:20:00.000"),
    a_call(crime_id="2", call_date_time="no time"),
    a_call(crime_id="1", call_date_time="2018-10-12T14:10:00.000", city={"a": [1.50]}),
    a_call(crime_id="0", call_date_time="2018-10-12T14:20:00.000"),
]


def files() -> dict[str, bytes]:
    lines = "\n".join(json.dumps(call, ensure_ascii=False) for call in CALLS)
    return {
        "array": json.dumps(CALLS, indent=1, ensure_ascii=False).encode(),
        "compact": json.dumps(CALLS, separators=(",", ":"), ensure_ascii=False).encode(),
        "lines": lines.encode() + b"\n",
        "windows": b"\xef\xbb\xbf" + json.dumps(CALLS, indent=2, ensure_ascii=False).replace("\n", "\r\n").encode(),
    }


@pytest.mark.parametrize("chunk", [7, 100, 1 << 18])
@pytest.mark.parametrize("form", files())
def test_each_record_is_where_it_says_and_where_it_is_sent(
    form: str, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("json_files", "quick_json"):
        monkeypatch.setattr(f"sf_police.produce.{module}.CHUNK_BYTES", chunk)
    path = tmp_path / "calls.json.bz2"
    path.write_bytes(bz2.compress(files()[form]))
    sent = [record.value for record in event_records(CALLS, QUESTION)]

    for number, call in enumerate(CALLS):
        [found], count = locate_records(path, QUESTION, call["crime_id"].encode())

        assert (found.number, count) == (number, len(CALLS))
        assert json.loads(files()[form][found.start : found.end]) == call
        assert sent[found.place] == found.value


def test_a_file_that_is_oldest_first_has_its_own_order(tmp_path: Path) -> None:
    question = replace(QUESTION, file_order="oldest first")
    path = tmp_path / "calls.json"
    path.write_bytes(files()["array"])
    sent = [record.value for record in event_records(CALLS, question)]

    for call in CALLS:
        [found], _ = locate_records(path, question, call["crime_id"].encode())
        assert sent[found.place] == found.value


def test_all_records_with_the_key_are_found(tmp_path: Path) -> None:
    path = tmp_path / "calls.json"
    path.write_text(json.dumps([*CALLS, CALLS[1]]))

    found, count = locate_records(path, QUESTION, b"4")

    assert ([each.number for each in found], count) == ([1, 6], 7)
    assert sorted(each.place for each in found) == [2, 5]
    assert locate_records(path, QUESTION, b"nobody")[0] == []


def test_records_of_a_shape_that_looks_ahead_stand_where_they_are_in_the_file(tmp_path: Path) -> None:
    rows = [
        {"crime_id": str(number), "original_crimetype_name": "Passing Call",
         "call_dttm": f"2018-10-{30 - number // 10:02}T14:20:00.000", "disposition": None if number % 2 else "HAN"}
        for number in range(250)
    ]  # fmt: skip
    text = json.dumps(rows)
    path = tmp_path / "calls.json"
    path.write_text(text)
    shape = partial(shaped, question=QUESTION, feed=None, say=lambda _: None)

    for number in (0, 1, 99, 100, 101, 249):
        [found], count = locate_records(path, QUESTION, str(number).encode(), shape=shape)

        assert (found.number, count) == (number, 250)
        assert json.loads(text[found.start : found.end]) == rows[number]
        assert json.loads(found.value)["call_date_time"] == rows[number]["call_dttm"]
