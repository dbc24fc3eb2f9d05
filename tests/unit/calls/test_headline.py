"""The answer in words."""

from __future__ import annotations

from typing import Any

import pytest

from sf_police.calls.headline import headline
from sf_police.question import number_of, percent

FIGURES = {
    "calls": 199_995,
    "windows": 4_350,
    "crime_types": 3_418,
    "usual_resolution": "Handled",
    "usual_resolution_calls": 57_639,
    "window": "30 minutes",
    "crime_types_per_window": {"minimum": 4, "median": 26.0, "maximum": 49},
}


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        (
            {},
            [
                "A half hour has 26 crime types (median; 4 to 49). Usual resolution: Handled, 29 % of calls.",
                "199,995 calls of 3,418 crime types in 4,350 windows; Handled: 57,639 calls.",
            ],
        ),
        (
            {"window": "1 hour", "usual_resolution": None, "usual_resolution_calls": None},
            [
                "An hour has 26 crime types (median; 4 to 49). No call has a recorded resolution.",
                "199,995 calls of 3,418 crime types in 4,350 windows.",
            ],
        ),
        (
            {"window": "15 minutes", "usual_resolution_calls": 1},
            [
                "A window of 15 minutes has 26 crime types (median; 4 to 49). "
                "Usual resolution: Handled, <1 % of calls.",
                "199,995 calls of 3,418 crime types in 4,350 windows; Handled: 1 call.",
            ],
        ),
        (
            {
                "calls": 1,
                "windows": 1,
                "crime_types": 1,
                "usual_resolution_calls": 1,
                "crime_types_per_window": {"minimum": 1, "median": 1.0, "maximum": 1},
            },
            [
                "A half hour has 1 crime type (median; 1 to 1). Usual resolution: Handled, 100 % of calls.",
                "1 call of 1 crime type in 1 window; Handled: 1 call.",
            ],
        ),
    ],
    ids=["half hours", "none recorded", "another window", "one of each"],
)
def test_the_first_line_is_the_answer(change: dict[str, Any], lines: list[str]) -> None:
    assert headline({**FIGURES, **change}).splitlines() == lines


@pytest.mark.parametrize(
    ("number", "plural", "text"),
    [
        (0, "calls", "0 calls"),
        (1, "calls", "1 call"),
        (1.0, "crime types", "1 crime type"),
        (1.5, "calls", "1.5 calls"),
        (1, "categories", "1 category"),
        (1, "micro-batches", "1 micro-batch"),
        (2, "micro-batches", "2 micro-batches"),
        (1_234_567, "rides", "1,234,567 rides"),
    ],
)
def test_a_number_of_things(number: float, plural: str, text: str) -> None:
    assert number_of(number, plural) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (0.0001, "<1 %"), (0.0049, "<1 %"), (0.0051, "1 %"), (0.288, "29 %"), (1, "100 %")],
)
def test_a_share_in_words(share: float, text: str) -> None:
    assert percent(share) == text
