"""Reading files of calls: arrays and lines, packed or not, and what is wrong with a file, and where."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sf_police.errors import SfPoliceError
from sf_police.produce import quick_json
from sf_police.produce.json_files import read_records
from sf_police.produce.json_record import encode
from tests.support.builders import a_call
from tests.support.question import read_calls

CALLS = [a_call(crime_id=str(number)) for number in range(3)]
ARRAY = json.dumps(CALLS, indent=4).encode()
LINES = b"\n".join(json.dumps(call).encode() for call in CALLS)


def read(data: bytes, folder: Path) -> list[dict[str, Any]]:
    """What the reader gives of a file with these bytes, whatever the records' fields."""
    path = folder / "calls.json"
    path.write_bytes(data)
    return list(read_records(path, required=()))


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
        ("array.json.GZ", gzip.compress(ARRAY)),
        ("packed, by its bytes alone.json", gzip.compress(ARRAY)),
        ("packed, by its bytes alone.ndjson", bz2.compress(LINES)),
        ("not packed at all.json.gz", ARRAY),
        ("two parts.gz", gzip.compress(ARRAY[:100]) + gzip.compress(ARRAY[100:])),
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
        (ARRAY[:600], "at byte 600: cut short inside a record"),
        (b'[{"crime_id":1} {"a":2}]', "at byte 16: expected a comma or `]`"),
        (b'[{"crime_id":1}] x', "at byte 17: expected nothing after the array"),
        (b'[{"crime_id":1},]', "at byte 16: not a record"),
        (b"[1]", "at byte 1: not a record"),
        (b"crime_id", "at byte 0: not a record"),
        (b"{'a': 1}", "at byte 1: Expecting property name"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": "\xff"}', "at byte 7: not UTF-8"),
        ('[{"crime_id":"ä"}, 2]'.encode(), "at byte 20: not a record"),
    ],
)
def test_the_reader_says_what_is_wrong_and_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SfPoliceError, match=r"^calls\.json ") as error:
        read(data, Path())
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("missing.json", lambda path: None, "No such file"),
        ("folder", lambda path: path.mkdir(), "Is a directory"),
        ("cut.json.gz", lambda path: path.write_bytes(gzip.compress(ARRAY)[:-9]), "ended before"),
        ("sum.json.gz", lambda path: path.write_bytes(gzip.compress(ARRAY)[:-8] + b"\0" * 8), "CRC"),
        ("cut.json.xz", lambda path: path.write_bytes(lzma.compress(ARRAY)[:-9]), "ended before"),
        ("broken.json.bz2", lambda path: path.write_bytes(bz2.compress(ARRAY)[:30] + b"x" * 30), "Invalid data stream"),
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


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "calls.json"
    path.write_text("\n".join(json.dumps(a_call(crime_id=str(number))) for number in range(3)))

    calls = read_calls(path)
    next(calls)
    path.write_text(path.read_text() + " ")

    with pytest.raises(SfPoliceError, match=r"calls\.json changed while it was being read: run it again"):
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
def test_both_ways_of_reading_give_what_json_gives(tmp_path: Path, text: str, is_array: bool) -> None:
    text = "".join(line.strip() for line in text.splitlines())
    if not is_array:
        text = text[1:-1].replace('},{"crime_id"', '}\n{"crime_id"')
    lines = [text] if is_array else text.splitlines()
    expected = [json.loads(line) for line in lines]

    assert read(text.encode(), tmp_path) == (expected[0] if is_array else expected)


TWICE = '{"crime_id":"1","crime_id":"2","note":"x"}'


@pytest.mark.parametrize(
    "text",
    [
        TWICE,
        '{"crime_id":"1","crime\\u005fid":"2","note":"x"}',
        '{"crime_id":"1","note":"a \\"quoted\\" word","note":"\\\\"}',
        '{"crime_id":"2","a":{"b":1.50,"b":[{"c":1,"c":2}]}}',
        '{"crime_id":"2","a":"\\ud800","a":{"b":1.50,"b":"\\ud800"}}',
        '{"crime_id":"1","crime_id":null}',
        '{"crime_id":-0}',
        '{"crime_id":[-0]}',
        '{"crime_id":"1","n":' + "1" * 5_000 + "}",
        '{"crime_id":"1","n":-0,"m":0,"b":true}',
    ],
)
@pytest.mark.parametrize("is_array", [True, False])
@pytest.mark.parametrize("is_spaced", [True, False])
def test_a_records_names_and_digits_are_sent_as_they_stand_in_the_file(
    tmp_path: Path, text: str, is_array: bool, is_spaced: bool
) -> None:
    ordinary = '{"crime_id":"1","note":"a \\"quoted\\" word \\\\ -0 : x"}'
    spaced = text.replace('":', '" :\t').replace(",", " ,") if is_spaced else text
    lines = [ordinary, spaced, ordinary]
    data = f"[{','.join(lines)}]" if is_array else "\n".join(lines) + "\n"

    records = read(data.encode(), tmp_path)

    sent = text.replace("crime\\u005fid", "crime_id")
    assert [encode(record).decode() for record in records] == [ordinary, sent, ordinary]


def test_ordinary_chunks_take_the_quick_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        pytest.fail("an ordinary chunk was parsed a second time")

    monkeypatch.setattr(quick_json, "as_written", refused)
    texts = ("plain", 'a "quoted" word', "a / b\t-0 : x")
    calls = [a_call(crime_id=str(number), address=texts[number % 3], n=number % 2 or None) for number in range(9)]

    assert read(json.dumps(calls, indent=4).encode(), tmp_path) == calls


@pytest.mark.parametrize(
    "text",
    [
        '{"crime_id":"x}\n{y"}\n{},{}\n',
        '{"crime_id":[{}\n{}]}\n',
        '{"crime_id":1},{"b":2}\n',
        '{"crime_id":"x"\n"b":"y"}\n',
        '[{"crime_id":"},\n"},1]',
    ],
)
def test_no_way_of_reading_takes_what_is_no_json(tmp_path: Path, text: str) -> None:
    with pytest.raises(SfPoliceError, match=" at byte "):
        read(text.encode(), tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"a":"x\x01y"}', "at byte 7: Invalid control character"),
        (b'{"a":"\\q"}', "at byte 6: Invalid \\escape"),
        (b"[{}\x01]", "at byte 3: expected a comma or `]`"),
    ],
)
def test_what_is_no_json_is_said_in_whole_words(tmp_path: Path, text: bytes, message: str) -> None:
    with pytest.raises(SfPoliceError) as error:
        read(text, tmp_path)
    assert str(error.value).endswith(message)


@given(st.lists(st.dictionaries(st.text(max_size=5), st.text() | st.integers() | st.none()), min_size=1), st.booleans())
def test_read_calls_reads_what_json_wrote(
    tmp_path_factory: pytest.TempPathFactory, calls: list[dict[str, Any]], is_array: bool
) -> None:
    text = json.dumps(calls) if is_array else "\n".join(json.dumps(call) for call in calls)

    assert read(text.encode(), tmp_path_factory.getbasetemp()) == calls
