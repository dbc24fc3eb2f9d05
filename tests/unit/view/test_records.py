"""Records of a topic as text: readable, in one line, cut; and what is said of offsets without one."""

from __future__ import annotations

import pytest

from sf_police.topic.admin import Partition
from sf_police.topic.record import TopicRecord
from sf_police.view.records import gap_text, record_line, record_text, value_text

A_CALL = TopicRecord(2, 7, 1_546_300_799_000, b"18-1", b'{"a":1,"b":"\xc3\xa9"}')
EMPTY = TopicRecord(0, 0, 0, None, None)
JUNK = TopicRecord(0, 1, 1 << 62, b"\xff", b"\x1b\n")


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (A_CALL, 'partition 2 offset 7 at 2018-12-31 23:59:59 UTC key 18-1\n  {"a":1,"b":"é"}'),
        (EMPTY, "partition 0 offset 0 at 1970-01-01 00:00:00 UTC no key\n  no value"),
        (JUNK, f"partition 0 offset 1 at {1 << 62} ms since 1970 key \\xff\n  \\x1b\\n"),
    ],
    ids=["a call", "nothing in it", "junk"],
)
def test_a_record_of_the_topic_is_two_readable_lines(record: TopicRecord, text: str) -> None:
    assert record_text(record) == text


def test_a_pretty_record_has_a_line_for_each_field() -> None:
    assert record_text(A_CALL, is_pretty=True).splitlines()[1:] == ["  {", '    "a": 1,', '    "b": "é"', "  }"]
    assert record_text(JUNK, is_pretty=True) == record_text(JUNK)
    assert record_text(EMPTY, is_pretty=True) == record_text(EMPTY)


def test_a_pretty_record_has_no_effect_on_the_terminal() -> None:
    record = TopicRecord(0, 0, 0, None, b'{"\\u001b[31m":"\\u202e"}')

    assert record_text(record, is_pretty=True).isprintable() is False  # but for its line feeds
    assert all(line.isprintable() for line in record_text(record, is_pretty=True).splitlines())


@pytest.mark.parametrize(
    ("record", "width", "text"),
    [
        (A_CALL, None, '2:7  2018-12-31 23:59:59 UTC  key 18-1  {"a":1,"b":"é"}'),
        (A_CALL, 40, "2:7  2018-12-31 23:59:59 UTC  key 18-1 …"),
        (EMPTY, 200, "0:0  1970-01-01 00:00:00 UTC  no key  no value"),
        (JUNK, None, f"0:1  {1 << 62} ms since 1970  key \\xff  \\x1b\\n"),
    ],
)
def test_a_record_is_one_line_of_a_terminals_width(record: TopicRecord, width: int | None, text: str) -> None:
    assert record_line(record, width=width) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"x" * 10, "x" * 10),
        (b"x" * 11, "x" * 10 + "… (11 bytes)"),
        (b"x" * 900_000, "x" * 10 + "… (900,000 bytes)"),
        ("é".encode() * 11, "é" * 10 + "… (22 bytes)"),
        ("😀".encode() * 10, "😀" * 10),
        (b"\xff" * 3, "\\xff\\xff\\x… (3 bytes)"),
        (b"", ""),
    ],
)
def test_a_long_value_is_cut_with_its_size(value: bytes, text: str) -> None:
    assert value_text(value, most=10) == text


def test_a_long_value_is_cut_in_every_form() -> None:
    long = TopicRecord(0, 0, 0, b"k" * 900_000, b'{"a":"' + b"x" * 900_000 + b'"}')

    for text in (record_text(long), record_text(long, is_pretty=True), record_line(long)):
        assert len(text) < 3_000
        assert "900,0" in text


GAP = "no record (transaction markers, or records of open or aborted transactions)"


def partition(first: int, following: int) -> Partition:
    return Partition(3, 1, 1, first, following)


@pytest.mark.parametrize(
    ("where", "record", "text"),
    [
        (partition(0, 8), TopicRecord(3, 7, 0, None, b""), ""),
        (
            partition(0, 1_009),
            TopicRecord(3, 1_007, 0, None, b""),
            f"partition 3: offset 1,008 holds {GAP}",
        ),
        (
            partition(0, 10),
            TopicRecord(3, 7, 0, None, b""),
            f"partition 3: offsets 8 to 9 hold {GAP}",
        ),
        (
            partition(5, 10),
            None,
            f"partition 3: offsets 5 to 9 hold {GAP}",
        ),
    ],
)
def test_offsets_without_a_record_at_the_end_are_said(where: Partition, record: TopicRecord | None, text: str) -> None:
    assert gap_text(where, record) == text
