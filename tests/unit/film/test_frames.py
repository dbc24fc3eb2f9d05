"""What the film shows of a micro-batch: expectations are counted by hand."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

import pytest

from sf_police.errors import SfPoliceError
from sf_police.film.frames import Filmed, Shown, evenly, frames_of
from sf_police.film.ways import WAYS
from tests.support.builders import a_batch


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2018, 10, 12, hour, minute)


# The third record of partition 1 was rejected.
TIMES = {0: [at(12), at(13), at(14)], 1: [at(11), at(12), None, at(15)]}
FIRST = replace(a_batch(0, read=4, watermark=None), start_offsets={}, end_offsets={"0": 2, "1": 2})
SECOND = replace(
    a_batch(1, read=3, late=1, rejected=1, watermark=at(14)),
    start_offsets={"0": 2, "1": 2},
    end_offsets={"0": 3, "1": 4},
)


def test_a_record_is_as_far_ahead_as_its_event_time_is_after_the_watermark_of_its_micro_batch() -> None:
    first, second = frames_of([FIRST, SECOND], TIMES)

    assert (first.number, first.read, first.late, first.watermark) == (0, 4, 0, None)
    assert first.shown == (Shown(0, None), Shown(0, None), Shown(1, None), Shown(1, None))
    assert (second.number, second.read, second.late, second.watermark) == (1, 3, 1, at(14))
    assert second.shown == (Shown(0, 0), Shown(1, 3600))


def test_late_is_what_is_not_after_the_watermark() -> None:
    ahead_s = (None, 0.5, 0, -1)

    assert [Shown(0, each).is_late for each in ahead_s] == [False, False, True, True]


def test_a_way_adds_up_its_micro_batches() -> None:
    filmed = Filmed(WAYS[0], frames_of([FIRST, SECOND], TIMES))

    assert (filmed.read, filmed.late) == (7, 1)


def test_micro_batches_that_say_otherwise_are_refused() -> None:
    said = re.escape("micro-batch 1 had 0 late records, but 1 in the topic are at or before its watermark")
    with pytest.raises(SfPoliceError, match=said):
        frames_of([FIRST, replace(SECOND, late=0)], TIMES)


def test_partitions_are_in_the_order_of_their_numbers() -> None:
    batch = replace(a_batch(0, read=3, watermark=at(9)), start_offsets={}, end_offsets={"10": 1, "2": 1, "0": 1})

    [frame] = frames_of([batch], {0: [at(10)], 2: [at(11)], 10: [at(12)]})

    assert [record.partition for record in frame.shown] == [0, 2, 10]


def test_of_many_records_some_are_shown_at_even_distances() -> None:
    records = [Shown(0, number) for number in range(10)]

    assert evenly(records, 10) == records
    assert [record.ahead_s for record in evenly(records, 5)] == [0, 2, 4, 6, 8]
    assert [record.ahead_s for record in evenly(records, 3)] == [0, 3, 6]


def test_the_more_micro_batches_there_are_the_fewer_records_of_each_are_shown() -> None:
    times = {0: [at(12)] * 100}

    def shown(batches: int) -> int:
        batch = replace(a_batch(0, read=100, watermark=at(9)), end_offsets={"0": 100})
        return len(frames_of([batch] * batches, times)[0].shown)

    assert [shown(1), shown(500), shown(5_000)] == [64, 32, 8]
