"""What the live view shows, from data alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from sf_police.calls import QUESTION
from sf_police.store.tables import BatchReport
from sf_police.view.live_table import LiveState, clocks_line, live_view, totals_line, wait_line
from tests.support.builders import a_batch
from tests.unit.view.test_tables import WIDTHS, cells, drawn

TEN = timedelta(minutes=10)


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


def test_totals_are_of_the_whole_run() -> None:
    state = a_state()
    for number in range(3):
        state = state.after(report(number, read=10, counted=4, duplicates=3, late=2, rejected=1), now_s=number)

    assert state.totals == {"read": 30, "counted": 12, "duplicates": 9, "late": 6, "rejected": 3}
    assert totals_line(state, QUESTION) == ("this run: 30 read = 12 calls counted + 9 duplicates + 6 late + 3 rejected")


def test_the_clocks_never_go_back() -> None:
    state = a_state().after(report(latest=at(15, 3)), now_s=0).after(report(1, latest=at(14)), now_s=1)

    assert (state.clock, state.watermark) == (at(15, 3), at(14, 53))
    assert clocks_line(state) == "latest event 2018-10-12 15:03:00, watermark 2018-10-12 14:53:00"


def test_a_batch_without_an_event_time_leaves_the_clock_and_takes_the_watermark_of_its_plan() -> None:
    state = a_state().after(report(latest=None), now_s=0)

    assert (state.clock, state.watermark) == (None, at(14))
    assert clocks_line(state) == "latest event none yet, watermark 2018-10-12 14:00:00"


def test_before_the_first_batch_there_is_a_topic_and_a_wait() -> None:
    assert drawn(live_view(a_state(since_s=5.0), QUESTION, now_s=12.9)).splitlines() == [
        "topic calls",
        "latest event none yet, watermark none yet",
        "this run: 0 read = 0 calls counted + 0 duplicates + 0 late + 0 rejected",
        "waiting for the first batch (7 s)",
    ]


@pytest.mark.parametrize(
    ("lag", "now_s", "line"),
    [
        (0, 12.9, "running"),
        (0, 13.0, "waiting for new records (3 s since the last batch)"),
        (None, 70.2, "waiting for new records (60 s since the last batch)"),
        (5, 14.0, "the next batch is running (4 s since the last batch)"),
    ],
)
def test_a_gap_is_seen_to_be_one(lag: int | None, now_s: float, line: str) -> None:
    assert wait_line(a_state().after(report(lag=lag), now_s=10.0), now_s=now_s) == line


def test_a_window_is_closed_once_the_watermark_has_reached_its_end() -> None:
    state = a_state(windows=[window(15, 0), window(14, 30), window(14, 0)]).after(report(latest=at(15, 10)), now_s=0)

    assert [row[:2] for row in cells(drawn(live_view(state, QUESTION, now_s=0)))] == [
        ["2018-10-12 15:00 - 15:30", "open"],
        ["2018-10-12 14:30 - 15:00", "closed"],
        ["2018-10-12 14:00 - 14:30", "closed"],
    ]


def test_under_the_table_stand_the_clocks_the_totals_the_batch_the_wait_and_the_producer() -> None:
    state = a_state(windows=[window(15, 0)], sending="producer: acknowledged 5 of 9")

    lines = drawn(live_view(state.after(report(read=3, counted=3), now_s=0), QUESTION, now_s=0)).splitlines()

    assert [line.partition(" ")[0] for line in lines[-6:]] == [
        "topic",
        "latest",
        "this",
        "batch",
        "running",
        "producer:",
    ]


@pytest.mark.parametrize("width", WIDTHS)
def test_no_number_is_cut_at_any_width(width: int) -> None:
    state = a_state(windows=[window(15, 0, calls=35_179)]).after(report(read=1_234_567, counted=1_234_567), now_s=0)

    shown = drawn(live_view(state, QUESTION, now_s=0), width)

    assert max(map(len, shown.splitlines())) <= width
    assert "…" not in shown
    assert "1,234,567" in shown.replace("\n", "")
    [row] = cells(shown)
    assert set(row) <= {"2018-10-12 15:00 - 15:30", "open", "35,179", "26", "Handled", "17,589", "50 %"}
    assert ("open" in row) == (width >= 60)
