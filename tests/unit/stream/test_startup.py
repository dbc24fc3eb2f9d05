"""What is settled before the query runs: state partitions, and what is said of small micro-batches."""

from __future__ import annotations

from typing import Any

import pytest

from sf_police.errors import SfPoliceError
from sf_police.stream.compatibility import ensure_state_store, with_state_partitions
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


@pytest.mark.parametrize(
    ("state_store", "stored"),
    [("memory", {}), ("memory", {"state_store": "memory"}), ("rocksdb", {"state_store": "rocksdb"})],
    ids=["from before there was a choice", "memory", "rocksdb"],
)
def test_a_checkpoint_goes_on_with_its_own_state_store(state_store: str, stored: dict[str, str]) -> None:
    ensure_state_store(resolve({"state_store": state_store}), stored)


@pytest.mark.parametrize(
    ("state_store", "stored", "kept"),
    [("rocksdb", {}, "memory"), ("memory", {"state_store": "rocksdb"}, "rocksdb")],
    ids=["from before there was a choice", "rocksdb"],
)
def test_a_checkpoint_of_another_state_store_is_refused(state_store: str, stored: dict[str, str], kept: str) -> None:
    with pytest.raises(SfPoliceError) as refused:
        ensure_state_store(resolve({"state_store": state_store, "checkpoint": "/c"}), stored)

    assert str(refused.value) == (
        f"the checkpoint /c was made with STATE_STORE={kept}, not {state_store}: set STATE_STORE={kept}, or run "
        "`make reset` (deletes the checkpoint and the store)"
    )
