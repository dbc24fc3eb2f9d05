"""Batches that hold nothing of what is looked for are passed over, by kafka-python's own reader of a fetch."""

from __future__ import annotations

from typing import Any

import pytest
from kafka import TopicPartition
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder

from sf_police.topic.scanning import _searching

LZ4 = 3
WHERE = TopicPartition("calls", 0)
BATCHES = [[b"one", b"needle two"], [b"three"], [b"four", b"five"], [b"six", b"\\u006eeedle"]]


def fetched(batches: list[list[bytes]], *, compression: int) -> bytes:
    """What a broker returns for these values, from offset 0 on."""
    data, offset = b"", 0
    for values in batches:
        builder = MemoryRecordsBuilder(2, compression, 1 << 20, offset=offset)
        for value in values:
            builder.append(1_700_000_000_000, b"k", value)
        builder.close()
        data += bytes(builder.buffer())
        offset += len(values)
    return data


def found(data: bytes, *holding: bytes, start: int = 0, **options: Any) -> tuple[list[tuple[int, bytes]], int]:
    """The records that are found, and the offset from which is read next."""
    part = _searching(holding)(start, WHERE, MemoryRecords(data), **options)
    records = part.take()
    return [(record.offset, record.value) for record in records], part.next_fetch_offset


@pytest.mark.parametrize("compression", [0, LZ4])
def test_only_batches_that_hold_it_are_unpacked(compression: int) -> None:
    data = fetched(BATCHES, compression=compression)

    assert found(data, b"needle") == ([(0, b"one"), (1, b"needle two")], 7)
    assert found(data, b"needle", b"\\u") == (
        [(0, b"one"), (1, b"needle two"), (5, b"six"), (6, b"\\u006eeedle")], 7,
    )  # fmt: skip
    assert found(data, b"nothing of it") == ([], 7)
    assert found(data, b"needle", start=1) == ([(1, b"needle two")], 7)


def test_a_batch_that_was_damaged_on_its_way_is_refused_even_if_it_holds_nothing_of_it() -> None:
    data = bytearray(fetched(BATCHES, compression=0))
    data[-2] ^= 1

    with pytest.raises(Exception, match="failed crc check"):
        found(bytes(data), b"nothing of it")
