"""What a comparison of two things has found, and how sorted rows are compared, in memory for one of each."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Key = tuple[Any, ...]
Keyed = tuple[Key, Any]


@dataclass(frozen=True)
class Comparison:
    """Two things that were compared.

    Args:
        said: what was compared, and how much of it; of things that were not, why.
        difference: the first; None: they are equal.
        is_done: False: they could not be compared.
    """

    said: str
    difference: str | None = None
    is_done: bool = True


def differences(ones: Iterable[Keyed], others: Iterable[Keyed]) -> Iterator[tuple[Key, Any, Any]]:
    """Yield each key whose values differ, with both; None where one side lacks the key.

    Args:
        ones: keys and values, in the order of keys, each once.
        others: likewise.
    """
    left, right = iter(ones), iter(others)
    one, other = next(left, None), next(right, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one[0] < other[0]):
            assert one is not None  # noqa: S101 # or there would be no pass
            yield one[0], one[1], None
            one = next(left, None)
        elif one is None or other[0] < one[0]:
            yield other[0], None, other[1]
            other = next(right, None)
        else:
            if one[1] != other[1]:
                yield one[0], one[1], other[1]
            one, other = next(left, None), next(right, None)


def unplaced(loose: Sequence[Sequence[Key]], surplus: Mapping[Key, int]) -> Key | None:
    """Return a row that loose records cannot explain; None if each can be in one of its rows, and all rows are full.

    Args:
        loose: for each record, the rows of which one has it.
        surplus: how many such records each row has.
    """
    wrong = next((key for key, number in surplus.items() if number < 0), None)
    if wrong is not None:
        return wrong
    placed: dict[Key, list[int]] = {key: [] for key in surplus}
    for record in range(len(loose)):
        if not _place(record, loose, surplus, placed):
            return loose[record][0]
    return next((key for key, number in surplus.items() if len(placed[key]) != number), None)


def _place(
    record: int, loose: Sequence[Sequence[Key]], surplus: Mapping[Key, int], placed: dict[Key, list[int]]
) -> bool:
    # A row that is full may give one of its records to another row, and so on.
    came: dict[Key, tuple[int, Key | None]] = {}
    waiting: deque[tuple[int, Key | None]] = deque([(record, None)])
    while waiting:
        each, before = waiting.popleft()
        for key in loose[each]:
            if key in came or key not in placed:
                continue
            came[key] = (each, before)
            if len(placed[key]) < surplus[key]:
                _move_along(key, came, placed)
                return True
            waiting.extend((other, key) for other in placed[key])
    return False


def _move_along(key: Key, came: Mapping[Key, tuple[int, Key | None]], placed: dict[Key, list[int]]) -> None:
    to: Key | None = key
    while to is not None:
        record, before = came[to]
        placed[to].append(record)
        if before is not None:
            placed[before].remove(record)
        to = before
