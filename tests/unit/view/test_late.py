"""Late records as a table, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from sf_police.calls import QUESTION
from sf_police.stream.late import LateBatch, LateRecord
from sf_police.view.late import print_late, span
from tests.support.builders import a_batch

TWO = datetime(2018, 10, 12, 14)


def a_record(offset: int, minutes: int, value: bytes = b"{}") -> LateRecord:
    late_by = timedelta(minutes=minutes)
    return LateRecord(1, offset, TWO - late_by, late_by, {"crime_id": f"id\x1b{offset}"}, value)


FOUND = [
    LateBatch(a_batch(3, late=2), [a_record(7, 0), a_record(8, 1500)], 0),
    LateBatch(replace(a_batch(5, late=4), watermark=datetime(2018, 10, 12, 15)), [a_record(20, 3, b"\xff\x00")], 3),
]


def printed(capsys: pytest.CaptureFixture[str], format: str) -> tuple[str, str]:
    print_late(FOUND, QUESTION, format=format, late=6, batches=2)
    out, err = capsys.readouterr()
    return out, err


def test_a_table_has_the_newest_first(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = printed(capsys, "table")

    heading, *lines = out.splitlines()
    assert heading == "6 late calls in 2 micro-batches, the newest first"
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if "│" in line]
    assert cells == [
        ["5", "2018-10-12 13:57:00", "00:03:00", "2018-10-12 15:00:00", "1", "20", "id\\x1b20"],
        ["3", "2018-10-11 13:00:00", "1 d 01:00:00", "2018-10-12 14:00:00", "1", "8", "id\\x1b8"],
        ["3", "2018-10-12 14:00:00", "00:00:00", "2018-10-12 14:00:00", "1", "7", "id\\x1b7"],
    ]
    assert err == "micro-batch 5: 3 of 4 late records are no longer in the topic (retention)\n"


def test_json_has_them_in_order_by_batch(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(printed(capsys, "json")[0])

    assert (document["late"], document["micro_batches"]) == (6, 2)
    assert [(each["batch_id"], each["late"], each["no_longer_in_the_topic"]) for each in document["shown"]] == [
        (3, 2, 0), (5, 4, 3),
    ]  # fmt: skip
    assert document["shown"][1]["records"] == [
        {"partition": 1, "offset": 20, "crime_id": "id\x1b20", "event_time": "2018-10-12 13:57:00",
         "late_by_seconds": 180.0, "value": "\\xff\\x00"},
    ]  # fmt: skip


def test_csv_has_a_row_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(printed(capsys, "csv")[0])))

    assert [(row["batch_id"], row["offset"], row["late_by_seconds"]) for row in rows] == [
        ("3", "7", "0.0"), ("3", "8", "90000.0"), ("5", "20", "180.0"),
    ]  # fmt: skip


def test_csv_has_a_header_even_if_nothing_was_late(capsys: pytest.CaptureFixture[str]) -> None:
    header = printed(capsys, "csv")[0].splitlines()[0]

    print_late([], QUESTION, format="csv", late=0, batches=0)

    assert capsys.readouterr().out == f"{header}\n"


def test_nothing_late_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    print_late([], QUESTION, format="table", late=0, batches=0)

    assert capsys.readouterr().out == "nothing was late\n"


def test_late_calls_of_batches_that_are_no_longer_kept_are_not_passed_over(capsys: pytest.CaptureFixture[str]) -> None:
    print_late([], QUESTION, format="table", late=0, batches=0, expired=3)

    out, err = capsys.readouterr()
    assert out == "nothing was late in the micro-batches that are kept\n"
    assert err == "besides, 3 late calls in micro-batches that are no longer kept one by one (RETENTION)\n"


def test_where_all_are_gone_from_the_topic_there_is_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    gone = [LateBatch(a_batch(3, late=2), [], 2)]

    print_late(gone, QUESTION, format="table", late=2, batches=1)

    out, err = capsys.readouterr()
    assert out == "2 late calls in 1 micro-batch\n"
    assert err == "micro-batch 3: 2 of 2 late records are no longer in the topic (retention)\n"


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(0), "00:00:00"),
        (timedelta(hours=23, minutes=59, seconds=59), "23:59:59"),
        (timedelta(days=1_000, seconds=1), "1,000 d 00:00:01"),
    ],
)
def test_a_length_of_time(length: timedelta, text: str) -> None:
    assert span(length) == text
