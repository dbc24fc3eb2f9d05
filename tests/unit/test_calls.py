"""Reading files, the order of events, and the bytes of a record."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sf_police.errors import SfPoliceError
from sf_police.produce.entries import encode
from sf_police.produce.json_files import _calls, read_calls
from sf_police.produce.records import event_records, file_records
from tests.support.builders import a_call

CALLS = [a_call(crime_id=str(number)) for number in range(3)]
ARRAY = json.dumps(CALLS, indent=4).encode()
LINES = b"\n".join(json.dumps(call).encode() for call in CALLS)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("array.json", ARRAY),
        ("compact.json", json.dumps(CALLS, separators=(",", ":")).encode()),
        ("lines.ndjson", LINES),
        ("lines.json", LINES + b"\n"),
        ("crlf.json", ARRAY.replace(b"\n", b"\r\n")),
        ("mark.json", b"\xef\xbb\xbf" + ARRAY),
        ("array.json.gz", gzip.compress(ARRAY)),
        ("array.json.bz2", bz2.compress(ARRAY)),
        ("array.json.xz", lzma.compress(ARRAY)),
    ],
)
def test_read_calls_takes_arrays_and_lines_packed_or_not(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)

    assert list(read_calls(path)) == CALLS


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"[ ]", "empty array"),
        (b"[", "at byte 1: cut short"),
        (ARRAY[:-1], "cut short: the array does not end"),
        (ARRAY[:600], "at byte 600: cut short inside a call"),
        (b'[{"a":1} {"a":2}]', "at byte 9: neither a comma nor `]`"),
        (b'[{"a":1}] x', "at byte 10: something follows the array"),
        (b'[{"a":1},]', "at byte 9: not a call"),
        (b"[1]", "at byte 1: not a call"),
        (b"crime_id,disposition\n1,HAN\n", "at byte 0: not a call"),
        (b"{'a': 1}", "at byte 1: Expecting property name"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": "\xff"}', "at byte 7: not UTF-8"),
        ('[{"ä":1}, 2]'.encode(), "at byte 11: not a call"),
    ],
)
def test_the_reader_says_what_is_wrong_and_where(data: bytes, message: str) -> None:
    with pytest.raises(SfPoliceError, match=r"^calls\.json ") as error:
        list(_calls(io.BytesIO(data), "calls.json"))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("missing.json", lambda path: None, "No such file"),
        ("folder", lambda path: path.mkdir(), "Is a directory"),
        ("cut.json.gz", lambda path: path.write_bytes(gzip.compress(ARRAY)[:-9]), "ended before"),
        ("sum.json.gz", lambda path: path.write_bytes(gzip.compress(ARRAY)[:-8] + b"\0" * 8), "CRC"),
        ("plain.json.bz2", lambda path: path.write_bytes(ARRAY), "Invalid data stream"),
        ("plain.json.xz", lambda path: path.write_bytes(ARRAY), "not supported"),
    ],
)
def test_read_calls_names_a_file_that_cannot_be_read(
    tmp_path: Path, name: str, make: Callable[[Path], Any], message: str
) -> None:
    path = tmp_path / name
    make(path)

    with pytest.raises(SfPoliceError) as error:
        list(read_calls(path))
    assert name in str(error.value)
    assert message in str(error.value)


def test_a_file_of_something_else_is_no_calls(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text('[{"name": "x"}]')

    with pytest.raises(SfPoliceError, match=r"other\.json holds no calls: its first object has none of the fields"):
        list(read_calls(path))


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "calls.json"
    path.write_text("\n".join(json.dumps(a_call(crime_id=str(number))) for number in range(3)))

    calls = read_calls(path)
    next(calls)
    path.write_text(path.read_text() + " ")

    with pytest.raises(SfPoliceError, match=r"calls\.json changed while it was read: run it again"):
        list(calls)


def test_read_calls_crosses_the_ends_of_chunks(tmp_path: Path) -> None:
    calls = [a_call(crime_id=str(number), address="é" * 777) for number in range(3000)]
    path = tmp_path / "large.json"
    path.write_text(json.dumps(calls, ensure_ascii=False), encoding="utf-8")

    assert list(read_calls(path)) == calls


PLAIN = ARRAY.decode()


@pytest.mark.parametrize(
    "text",
    [
        PLAIN.replace('"0"', "12345678901234567890123"),
        PLAIN.replace('"0"', "1.10"),
        PLAIN.replace('"0"', '{"a": [1, {"b": 2}, {"c": 3}]}'),
        PLAIN.replace('"0"', '"x},\\n{"'),
        PLAIN.replace('"0"', '"\\ud800"'),
        PLAIN.replace('"crime_id": "0"', '"crime_id": "0", "crime_id": "1"'),
    ],
)
@pytest.mark.parametrize("is_array", [True, False])
def test_both_ways_of_reading_give_what_json_gives(text: str, is_array: bool) -> None:
    text = "".join(line.strip() for line in text.splitlines())
    if not is_array:
        text = text[1:-1].replace('},{"crime_id"', '}\n{"crime_id"')
    lines = [text] if is_array else text.splitlines()
    expected = [json.loads(line) for line in lines]

    assert list(_calls(io.BytesIO(text.encode()), "memory")) == (expected[0] if is_array else expected)


@pytest.mark.parametrize(
    "text",
    ['{"a":"x}\n{y"}\n{},{}\n', '{"a":[{}\n{}]}\n', '{"a":1},{"b":2}\n', '{"a":"x"\n"b":"y"}\n', '[{"a":"},\n"},1]'],
)
def test_no_way_of_reading_takes_what_is_no_json(text: str) -> None:
    with pytest.raises(SfPoliceError):
        list(_calls(io.BytesIO(text.encode()), "memory"))


@given(st.lists(st.dictionaries(st.text(max_size=5), st.text() | st.integers() | st.none()), min_size=1), st.booleans())
def test_read_calls_reads_what_json_wrote(calls: list[dict[str, Any]], is_array: bool) -> None:
    text = json.dumps(calls) if is_array else "\n".join(json.dumps(call) for call in calls)

    assert list(_calls(io.BytesIO(text.encode()), "memory")) == calls


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
    assert [record.key for record in event_records([{"crime_id": 1}, {"a": 2}])] == [None, None]


def test_encode_keeps_half_of_a_surrogate_pair_as_the_escape_that_it_was() -> None:
    assert encode({"a": "\ud800é"}) == rb'{"a":"\ud800\u00e9"}'


@given(st.lists(st.sampled_from(["14:00", "14:01", "14:02", "x"]), max_size=12))
def test_event_order_is_a_stable_sort_of_the_reversed_file(minutes: list[str]) -> None:
    calls = times(*minutes)
    carried, expected = "", []
    for call in reversed(calls):
        carried = call["call_date_time"] if "x" not in call["call_date_time"] else carried
        expected.append((carried, call["crime_id"]))

    assert order(calls) == [crime_id for _, crime_id in sorted(expected, key=lambda pair: pair[0])]
