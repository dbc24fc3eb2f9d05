"""What the live view shows, from data alone."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from rich.console import RenderableType

from sf_police.calls import QUESTION
from sf_police.store.tables import BatchReport
from sf_police.view.live_table import (
    LiveState,
    clocks_line,
    live_view,
    run_line,
    speed_line,
    totals_line,
    wait_line,
)
from sf_police.view.recent import Progress
from tests.support.builders import a_batch
from tests.unit.view.test_tables import WIDTHS, cells, drawn

TEN = timedelta(minutes=10)
TOTALS = ("read", "counted", "duplicates", "late", "rejected")


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2018, 10, 12, hour, minute)


THREE_PAST_THREE = at(15, 3)


def window(hour: int, minute: int, calls: int = 1_234) -> dict[str, Any]:
    start = at(hour, minute)
    return {
        "window_start": start, "window_end": start + timedelta(minutes=30), "calls": calls, "crime_types": 26,
        "usual_resolution": "Handled", "usual_resolution_calls": calls // 2,
    }  # fmt: skip


def report(
    batch_id: int = 0, *, latest: datetime | None = THREE_PAST_THREE, lag: int | None = 0, **numbers: int
) -> BatchReport:
    return BatchReport(replace(a_batch(batch_id, **numbers), lag=lag, state_rows=7), latest)


def a_state(**values: Any) -> LiveState:
    return LiveState("calls", TEN, **values)


def a_full_view() -> RenderableType:
    """With everything in it, and numbers as long as they get."""
    state = a_state(
        windows=[window(15 - n, 0, calls=35_179) for n in range(14)],
        totals={"read": 9_999_998, "counted": 9_999_990, "duplicates": 3, "late": 2, "rejected": 3},
        last_batch_id=1_000,
        counted_to=9_999_998,
        ends=123_456_789,
        sending="acknowledged 1,234,567 of 123,456,789",
    )
    for number in range(1_001, 1_005):
        state = state.after(report(number, read=1_234_567, counted=1_234_567, lag=100_000_000), now_s=number)
    return live_view(state, QUESTION, now_s=1_005)


def test_totals_are_of_the_whole_store_and_of_this_run() -> None:
    state = a_state(totals={"read": 10, "counted": 10, "duplicates": 0, "late": 0, "rejected": 0}, last_batch_id=0)
    for number in (1, 2, 3):
        state = state.after(report(number, read=10, counted=4, duplicates=3, late=2, rejected=1), now_s=number)

    assert totals_line(a_state(totals=dict.fromkeys(TOTALS, 1))) == (
        "1 read = 1 counted + 1 duplicate + 1 late + 1 rejected"
    )
    assert totals_line(state) == "40 read = 22 counted + 9 duplicates + 6 late + 3 rejected"
    assert run_line(state, now_s=75.9) == "30 read in 3 batches, 0:01:15 so far"


def test_a_batch_that_was_stored_before_and_is_replayed_adds_nothing() -> None:
    before = a_state(totals={"read": 5, "counted": 5, "duplicates": 0, "late": 0, "rejected": 0}, last_batch_id=7)

    state = before.after(report(7, read=5, counted=5, lag=None), now_s=1)

    assert (state.totals, state.run_read, state.run_batches) == (before.totals, 0, 0)
    assert (state.recent, state.last_batch_id, state.since_s) == (before.recent, 7, 1)


def test_the_clocks_never_go_back() -> None:
    state = a_state().after(report(latest=at(15, 3)), now_s=0).after(report(1, latest=at(14)), now_s=1)

    assert (state.clock, state.watermark) == (at(15, 3), at(14, 53))
    assert clocks_line(state) == "latest 2018-10-12 15:03:00, watermark 2018-10-12 14:53:00"


def test_a_batch_without_an_event_time_leaves_the_clock_and_takes_the_watermark_of_its_plan() -> None:
    state = a_state().after(report(latest=None), now_s=0)

    assert (state.clock, state.watermark) == (None, at(14))
    assert clocks_line(state) == "latest none yet, watermark at least 2018-10-12 14:00:00"


def test_before_the_first_batch_there_is_a_topic_and_a_wait() -> None:
    assert facts(drawn(live_view(a_state(began_s=5.0, since_s=5.0), QUESTION, now_s=12.9))) == {
        "topic": "calls",
        "events": "latest none yet, watermark none yet",
        "store": "0 read = 0 counted + 0 duplicates + 0 late + 0 rejected",
        "this run": "0 read in 0 batches, 0:00:07 so far",
        "now": "waiting for the first batch (7 s)",
    }


@pytest.mark.parametrize(
    ("lag", "ends", "now_s", "line"),
    [
        (0, None, 10.0, "waiting for new records (0 s since the last batch)"),
        (None, None, 70.2, "waiting for new records (60 s since the last batch)"),
        (5, None, 14.0, "batch 8 is next (4 s since the last batch)"),
        (None, 9, 14.0, "batch 8 is next (4 s since the last batch)"),
        (0, 3, 14.0, "at the end, stopping (4 s since the last batch)"),
    ],
)
def test_a_gap_is_seen_to_be_one(lag: int | None, ends: int | None, now_s: float, line: str) -> None:
    state = a_state(ends=ends).after(report(7, lag=lag, read=3, counted=3), now_s=10.0)

    assert wait_line(state, now_s=now_s) == line


@pytest.mark.parametrize(
    ("lag", "ends", "line"),
    [
        (17, None, "6 rows/s over the last batch, lag 17"),
        (None, None, "6 rows/s over the last batch, lag unknown"),
        # A replayed batch does not say, but where the run ends is known.
        (None, 1_003, "6 rows/s over the last batch, lag 1,000"),
    ],
)
def test_speed_and_lag(lag: int | None, ends: int | None, line: str) -> None:
    assert speed_line(a_state(ends=ends).after(report(lag=lag, read=3, counted=3), now_s=0)) == line


def test_the_rate_says_over_how_many_batches_it_is() -> None:
    state = a_state()
    for number in range(12):
        state = state.after(report(number, read=4_000, counted=4_000), now_s=number)

    assert speed_line(state) == "8,000 rows/s over the last 10 batches, lag 0"


def test_a_run_without_an_end_has_no_progress() -> None:
    assert a_state().after(report(read=3, counted=3), now_s=0).progress(now_s=0) is None


def test_progress_is_of_all_records_of_the_stream_and_the_time_left_passes() -> None:
    state = a_state(begins=1_000, counted_to=1_010, ends=1_100)
    seen = [state.progress(now_s=0)]
    for number in range(3):
        batch = report(number, start=1_010 + 10 * number, read=10, counted=10, lag=80 - 10 * number)
        state = state.after(batch, now_s=number)
        seen.append(state.progress(now_s=number))

    assert seen == [Progress(10, 100), Progress(20, 100), Progress(30, 100), Progress(40, 100, 6.0)]
    assert state.progress(now_s=4.5) == Progress(40, 100, 3.5)
    assert state.progress(now_s=60) == Progress(40, 100, 1)  # a batch takes longer than those before


def test_the_end_is_the_one_that_spark_sees() -> None:
    state = a_state(ends=100).after(report(read=10, counted=10, lag=95), now_s=0)

    assert state.progress(now_s=0) == Progress(10, 105)


@pytest.mark.parametrize(("width", "has_bar"), [(80, True), (50, False)])
def test_progress_is_a_bar_where_there_is_room(width: int, has_bar: bool) -> None:
    state = a_state(ends=199_999).after(report(read=129_000, counted=129_000, lag=70_999), now_s=0)

    [line] = [line for line in drawn(live_view(state, QUESTION, now_s=0), width).splitlines() if "progress" in line]
    assert line.startswith("progress  129,000 of 199,999 records (64 %)")
    assert ("━" in line) == has_bar


def test_a_window_is_closed_once_the_watermark_has_reached_its_end() -> None:
    state = a_state(windows=[window(15, 0), window(14, 30), window(14, 0)]).after(report(latest=at(15, 10)), now_s=0)

    assert [row[:2] for row in cells(drawn(live_view(state, QUESTION, now_s=0)))] == [
        ["2018-10-12 15:00 - 15:30", "open"],
        ["2018-10-12 14:30 - 15:00", "closed"],
        ["2018-10-12 14:00 - 14:30", "closed"],
    ]


def test_under_the_table_stand_topic_clocks_totals_batch_speed_progress_producer_and_wait() -> None:
    state = a_state(windows=[window(15, 0)], sending="acknowledged 5 of 9", ends=9)

    shown = drawn(live_view(state.after(report(read=3, counted=3, lag=6), now_s=0), QUESTION, now_s=2.5))

    assert facts(shown) == {
        "topic": "calls",
        "events": "latest 2018-10-12 15:03:00, watermark 2018-10-12 14:53:00",
        "store": "3 read = 3 counted + 0 duplicates + 0 late + 0 rejected",
        "this run": "3 read in 1 batch, 0:00:02 so far",
        "batch": "0: 3 rows in 0.50 s, state rows 7",
        "speed": "6 rows/s over the last batch, lag 6",
        "progress": "3 of 9 records (33 %)",
        "producer": "acknowledged 5 of 9",
        "now": "batch 1 is next (2 s since the last batch)",
    }


def facts(shown: str) -> dict[str, str]:
    """The lines below the table, on a terminal that breaks none of them, by their label; without bars."""
    lines = [line for line in shown.splitlines() if line[:1].isalpha()]
    return {line[:8].rstrip(): line[10:].rstrip(" ━╸╺").rstrip() for line in lines}


@pytest.mark.parametrize("width", WIDTHS)
def test_no_number_is_cut_at_any_width(width: int) -> None:
    shown = drawn(a_full_view(), width)

    assert max(map(len, shown.splitlines())) <= width
    assert "…" not in shown
    numbers = set(re.findall(r"[\d,]*\d", shown))
    wanted = {"14,938,266", "14,938,258", "4,938,268", "1,234,567", "123,456,789", "100,000,000", "1004", "12"}
    assert wanted - numbers == set()
    for row in cells(shown):
        assert set(row[1:]) <= {"open", "closed", "35,179", "26", "Handled", "17,589", "50 %"}
        assert ("35,179" in row) == (width >= 80)


@pytest.mark.parametrize("width", [80, 120, 200])
def test_a_usual_terminal_has_a_line_for_each_fact(width: int) -> None:
    state = a_state(
        ends=199_999, totals=dict(zip(TOTALS, (190_000, 189_989, 4, 3, 4), strict=True)), counted_to=190_000
    )
    state = replace(
        state.after(report(19, start=190_000, read=5_000, counted=5_000, lag=4_999), now_s=0), topic="t" * 53
    )

    assert len(drawn(live_view(state, QUESTION, now_s=0), width).splitlines()) == 8
