"""From a micro-batch's metrics to its row of books, and the lag."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from sf_police.errors import SfPoliceError
from sf_police.store.tables import Batch
from sf_police.stream.executed_plan import BatchMetrics
from sf_police.stream.sink import batch_of, lag

METRICS = BatchMetrics(
    read=20, counted=12, duplicates=4, late=1, state_rows=99, watermark=datetime(2018, 10, 12, 14),
    start_offsets={"calls": {"0": 5, "1": 0}}, end_offsets={"calls": {"0": 15, "1": 11}},
    latest_offsets={"calls": {"0": 20, "1": 11, "2": 7}}, started_ms=1_000_000,
)  # fmt: skip


def made(**changes: Any) -> Batch:
    return batch_of(replace(METRICS, **changes), query_id="q", batch_id=3, topic="calls", seconds=2.5)


def test_what_is_neither_counted_nor_dropped_was_rejected() -> None:
    assert made() == Batch(
        "q", 3, {"0": 5, "1": 0}, {"0": 15, "1": 11}, 20, 12, 4, 1, 3, datetime(2018, 10, 12, 14), 2.5,
        lag=12, state_rows=99,
    )  # fmt: skip


def test_a_first_batch_starts_at_zero() -> None:
    assert made(start_offsets=None).start_offsets == {"0": 0, "1": 0}


@pytest.mark.parametrize(
    "change",
    [{"counted": 16}, {"late": 100}, {"read": 22, "counted": 14}],
    ids=["counted", "late", "beyond the offsets"],
)
def test_metrics_that_contradict_each_other_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(SfPoliceError, match="the books of batch 3 do not balance.*nothing was stored: run again"):
        made(**change)


@pytest.mark.parametrize(
    ("latest", "expected"),
    [({"calls": {"0": 20, "1": 11, "2": 7}}, 12), ({"calls": {"0": 15, "1": 11}}, 0), ({}, 0), (None, None)],
)
def test_lag_is_what_the_topic_holds_beyond_the_batch(latest: Any, expected: int | None) -> None:
    assert lag(replace(METRICS, latest_offsets=latest), "calls") == expected
