"""Sorted rows against each other, and which of several duplicates a store may have counted."""

from __future__ import annotations

from collections import Counter
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from sf_police.store.comparison import differences, unplaced

ROWS = st.dictionaries(st.integers(0, 9).map(lambda n: (n,)), st.integers(0, 2))


@given(ROWS, ROWS)
def test_each_key_that_differs_is_yielded_once_in_order(
    one: dict[tuple[int], int], other: dict[tuple[int], int]
) -> None:
    expected = [(key, one.get(key), other.get(key)) for key in sorted({*one, *other}) if one.get(key) != other.get(key)]

    assert list(differences(sorted(one.items()), sorted(other.items()))) == expected


@given(
    st.lists(st.lists(st.integers(0, 3).map(lambda n: (n,)), min_size=1, max_size=3, unique=True), max_size=5),
    st.dictionaries(st.integers(0, 3).map(lambda n: (n,)), st.integers(-1, 3)),
)
def test_a_choice_of_duplicates_is_found_if_and_only_if_there_is_one(
    loose: list[list[tuple[int]]], surplus: dict[tuple[int], int]
) -> None:
    wanted = Counter({key: number for key, number in surplus.items() if number})
    is_possible = any(Counter(choice) == wanted for choice in product(*loose))

    assert (unplaced(loose, surplus) is None) == is_possible
