"""What is made of a file's records: their bytes, keys, and place in the order of events."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from examples.taxi_rides import QUESTION as TAXI
from sf_police.produce.entries import event_entries
from sf_police.produce.json_files import read_records
from sf_police.produce.json_record import encode


def test_encode_keeps_half_of_a_surrogate_pair_as_the_escape_that_it_was() -> None:
    assert encode({"a": "\ud800é"}) == rb'{"a":"\ud800\u00e9"}'


@pytest.mark.parametrize(
    "text",
    ['{"a":12.50}', '{"a":1e3,"b":[0.10,{"c":1E-7}]}', '{"a":123456789012345678901234567890,"b":0.1}', '{"a":1e400}'],
)
def test_numbers_keep_the_digits_that_the_file_has(tmp_path: Path, text: str) -> None:
    path = tmp_path / "numbers.json"
    path.write_text(text)

    [record] = read_records(path, required=())

    assert encode(record) == text.encode()


def test_a_number_as_id_is_the_key_as_text() -> None:
    rides = [{"ride_id": 2**60 + 1}, {"ride_id": "7"}, {"ride_id": True}, {"ride_id": 1.0}, {}]

    assert [entry.key for entry in event_entries(rides, TAXI)] == [b"1152921504606846977", b"7", None, None, None]


def test_a_file_that_is_oldest_first_keeps_its_order_within_a_time() -> None:
    times = ("08:01", "08:00", "no time", "08:01", "08:00")
    rides = [{"ride_id": n, "pickup_time": f"2024-03-04T{time}:00Z"} for n, time in enumerate(times)]

    ordered = [json.loads(entry.value)["ride_id"] for entry in sorted(event_entries(rides, TAXI))]

    assert ordered == [1, 2, 4, 0, 3]  # the one without a time follows the one before it in the file


def test_a_price_of_eighteen_digits_reaches_the_topic_whole(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_text('[{"ride_id":1,"fare":1234567890123456.78}]')

    [entry] = event_entries(read_records(path, required=()), TAXI)

    assert json.loads(entry.value, parse_float=Decimal)["fare"] == Decimal("1234567890123456.78")
