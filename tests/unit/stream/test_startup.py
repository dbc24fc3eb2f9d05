"""What is settled before the query runs: state partitions, and what is said of small micro-batches."""

from __future__ import annotations

from typing import Any

import pytest

from sf_police.stream.compatibility import with_state_partitions
from sf_police.stream.startup import small_batches_line
from tests.support.question import resolve


@pytest.mark.parametrize(
    ("settings", "stored", "expected"),
    [
        ({}, None, 2),
        ({"max_offsets_per_trigger": "5000"}, None, 1),
        ({"max_offsets_per_trigger": "5001"}, None, 2),
        ({"state_partitions": "7"}, None, 7),
        ({"max_offsets_per_trigger": "200"}, {"state_partitions": 5}, 5),
    ],
    ids=["the cores", "one for small batches", "not so small", "the user's", "the checkpoint's"],
)
def test_state_partitions_are_the_checkpoints_the_users_or_by_the_cores(
    settings: dict[str, str], stored: dict[str, Any] | None, expected: int
) -> None:
    assert with_state_partitions(resolve(settings), stored, cores=2).state_partitions == expected


@pytest.mark.parametrize(
    ("state_partitions", "expected"),
    [
        (1, "each micro-batch runs in one task, without shuffles or generated code"),
        (3, "no generated code, but 3 state partitions, so several tasks and shuffles"),
    ],
)
def test_the_stream_says_when_a_cap_selects_another_plan(state_partitions: int, expected: str) -> None:
    config = resolve({"max_offsets_per_trigger": "200", "state_partitions": str(state_partitions)})

    assert small_batches_line(config) == f"MAX_OFFSETS_PER_TRIGGER=200 is at most 5,000: {expected}"
