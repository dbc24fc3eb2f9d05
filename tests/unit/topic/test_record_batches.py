"""Batches that are filled the short way are what kafka-python itself makes and reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder
from kafka.record.util import encode_varint

from sf_police.topic.record import Record
from sf_police.topic.record_batches import _Builder, varint

KEYS = st.none() | st.binary(max_size=200)
RECORDS = st.lists(st.tuples(KEYS, st.binary(max_size=20_000), st.integers(0, 2**42)), min_size=1, max_size=20)


@given(st.integers(-(2**62), 2**62))
def test_varint_is_kafkas(number: int) -> None:
    expected = bytearray()
    encode_varint(number, expected.append)

    assert varint(number) == bytes(expected)


@given(RECORDS)
def test_a_batch_is_byte_for_byte_kafka_pythons(records: list[tuple[bytes | None, bytes, int]]) -> None:
    theirs, ours = MemoryRecordsBuilder(2, 0, 1 << 20), _Builder(2, 0, 1 << 20)
    for key, value, time_ms in records:
        theirs.append(time_ms, key, value)
        assert ours.add([Record(0, "", key, value)], 0, time_ms) == 1
    theirs.close()
    ours.close()

    assert bytes(ours.buffer()) == bytes(theirs.buffer())
    assert ours.next_offset() == theirs.next_offset()


def records_of(*values: bytes) -> list[Record]:
    return [Record(n, "", b"k", value) for n, value in enumerate(values)]


@pytest.mark.parametrize("codec", [0, 3])
def test_a_full_batch_takes_no_more_and_reads_back(codec: int) -> None:
    builder = _Builder(2, codec, 1000)
    records = records_of(*(b"%d" % n * 30 for n in range(100)))
    taken = builder.add(records, 10, 1)

    assert 0 < taken < 90
    assert builder.add(records, 10 + taken, 1) == 0
    builder.close()
    assert builder.add(records, 10 + taken, 1) == 0
    [batch] = MemoryRecords(builder.buffer())
    assert [record.value for record in batch] == [record.value for record in records[10 : 10 + taken]]


def test_a_record_larger_than_the_batch_has_one_of_its_own() -> None:
    builder = _Builder(2, 0, 1000)

    assert builder.add(records_of(b"v" * 5000, b"v"), 0, 1) == 1
