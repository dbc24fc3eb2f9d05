"""What windows tell: hand-made series, and the original file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sf_police.calls import QUESTION
from sf_police.page.findings import Finding, Words, findings, marked_starts, repeated_hours
from sf_police.page.summary import Window
from tests.support import original, recount

MONDAY = datetime(2018, 10, 1)
HALF_HOUR = timedelta(minutes=30)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WORDS = Words("calls", "crime types")
ZONE = "America/Los_Angeles"


def series(
    days: int,
    rows: Callable[[datetime], int] = lambda start: 49,
    changes: Mapping[datetime, int | None] | None = None,
    *,
    first: datetime = MONDAY,
    length: timedelta = HALF_HOUR,
) -> list[Window]:
    """Windows of so many days, each with so many records; None leaves one out. Kinds are half of the records."""
    starts = [first + n * length for n in range(days * DAY // length)]
    numbers = {start: (changes or {}).get(start, rows(start)) for start in starts}
    return [Window(start, n, (n + 1) // 2) for start, n in numbers.items() if n is not None]


def told(windows: list[Window], *kinds: str, zone: str = "", length: timedelta = HALF_HOUR) -> list[Finding]:
    return [each for each in findings(windows, length, WORDS, zone=zone) if not kinds or each.kind in kinds]


def spread(start: datetime, number: int, rows: int | None) -> dict[datetime, int | None]:
    return {start + n * HALF_HOUR: rows for n in range(number)}


FRIDAY = MONDAY + 2 * 7 * DAY + 4 * DAY + 12 * HOUR  # 2018-10-19, at noon


@pytest.mark.parametrize("rows", [2, 0, None], ids=["few", "a row with none", "no row"])
def test_an_outage_is_one_finding(rows: int | None) -> None:
    windows = series(42, changes=spread(FRIDAY, 3, rows))

    # Of 49 calls, 7 are usual; 47 fewer are 6.7 times that.
    number, weight = ("6 calls", 6.7) if rows else ("0 calls", 7.0)
    text = f"2018-10-19, 12:00 to 13:30: {number}, where some 147 are usual."
    assert told(windows, "few", "many") == [Finding(FRIDAY, FRIDAY + 3 * HALF_HOUR, "few", text, weight)]


def test_a_record_with_a_mistaken_year_changes_nothing_of_what_is_usual() -> None:
    windows = series(42, changes=spread(FRIDAY, 3, 2))
    mistaken = [Window(datetime(1990, 1, 1), 1, 1), *windows, Window(datetime(2026, 1, 1), 1, 1)]

    assert told(mistaken) == told(windows) != []


def test_a_week_without_records_is_an_outage_and_more_than_that_is_an_end() -> None:
    windows = series(77)
    at_the_limit = [window for window in windows if not 34 * DAY < window.start - MONDAY < 41 * DAY]
    beyond = [window for window in windows if not 34 * DAY < window.start - MONDAY < 41 * DAY + HALF_HOUR]

    assert [each.start for each in told(at_the_limit, "few")] == [MONDAY + 34 * DAY + HALF_HOUR]
    assert told(beyond, "few") == []


def test_a_busy_evening_is_one_finding_over_midnight() -> None:
    evening = datetime(2018, 10, 31, 22)
    windows = series(42, changes={**spread(evening, 4, 100), evening + 4 * HALF_HOUR: 91})

    text = "2018-10-31, 22:00 to 2018-11-01, 00:30: 491 calls, where some 245 are usual."
    assert told(windows, "few", "many") == [Finding(evening, evening + 5 * HALF_HOUR, "many", text, 7.3)]


@pytest.mark.parametrize(("rows", "is_marked"), [(20, True), (21, False), (77, False), (78, True)])
def test_a_window_is_marked_beyond_four_usual_distances(rows: int, is_marked: bool) -> None:
    windows = series(42, changes={FRIDAY: rows})

    assert bool(told(windows, "few", "many")) is is_marked


@pytest.mark.parametrize(("rows", "is_marked"), [(4, False), (5, True)])
def test_where_hardly_anything_happens_four_more_are_usual(rows: int, is_marked: bool) -> None:
    windows = series(42, lambda start: 0, {FRIDAY: rows})

    assert bool(told(windows, "many")) is is_marked


@pytest.mark.parametrize(("rows", "is_marked"), [(396, False), (397, True)])
def test_what_differs_from_week_to_week_is_usual(rows: int, is_marked: bool) -> None:
    # By turns 50 less and 50 more than 100, once 100: the median distance is 50, which is 74.13 when made comparable.
    def by_turns(start: datetime) -> int:
        week = (start - MONDAY) // (7 * DAY)
        return 100 if week == 6 else 50 if week % 2 else 150

    windows = series(49, by_turns, {FRIDAY: rows})

    # In its place are 50 three times, 100 once, 150 twice and it: its median is 100 as well.
    assert bool(told(windows, "many")) is is_marked


def test_where_there_usually_is_no_row_none_are_usual() -> None:
    nights = {FRIDAY + n * 7 * DAY: None for n in range(-2, 4)}

    [found] = told(series(42, changes={**nights, FRIDAY: 5}), "few", "many")

    assert found.text == "2018-10-19, 12:00 to 12:30: 5 calls, where some 0 are usual."


def test_each_hour_of_each_weekday_has_its_own_usual_number() -> None:
    def rows(start: datetime) -> int:
        return 100 if start.weekday() == 5 and start.hour >= 22 else 9

    assert told(series(42, rows), "few", "many") == []
    [quiet] = told(series(42, rows, spread(MONDAY + 19 * DAY + 22 * HOUR, 1, 9)), "few", "many")
    assert (quiet.start, quiet.kind) == (datetime(2018, 10, 20, 22), "few")


def test_few_beside_many_are_two_findings() -> None:
    windows = series(42, changes={**spread(FRIDAY, 2, 0), **spread(FRIDAY + HOUR, 2, 120)})

    assert [(each.kind, each.start, each.end) for each in told(windows, "few", "many")] == [
        ("few", FRIDAY, FRIDAY + HOUR),
        ("many", FRIDAY + HOUR, FRIDAY + 2 * HOUR),
    ]


def test_the_farthest_are_told_in_the_order_of_time() -> None:
    # 20 busy half hours, each a day after the last, and busier.
    changes = {MONDAY + n * DAY + n * HOUR: 100 + 3 * n for n in range(1, 21)}

    found = told(series(84, changes=changes), "few", "many")

    assert [each.start for each in found] == list(changes)[-12:]


def test_of_the_equally_far_the_first_are_told() -> None:
    changes = {MONDAY + n * DAY + n * HOUR: 100 for n in range(1, 21)}

    assert [each.start for each in told(series(84, changes=changes), "many")] == list(changes)[:12]


@pytest.mark.parametrize("days", [1, 7, 28, 34])
def test_of_fewer_than_five_weeks_nothing_is_told(days: int) -> None:
    windows = series(days, lambda start: 10 + start.hour, {MONDAY + 12 * HOUR: 900})

    assert told(windows) == []


def test_it_takes_five_weeks_to_know_what_is_usual() -> None:
    [found] = told(series(35, changes={FRIDAY: 900}), "few", "many")

    assert found.start == FRIDAY


def test_nothing_is_told_of_nothing() -> None:
    assert told([], zone=ZONE) == []


@pytest.mark.parametrize(
    ("first", "last", "zone", "hours"),
    [
        (datetime(2018, 10, 1), datetime(2019, 1, 1), ZONE, [datetime(2018, 11, 4, 1)]),
        (datetime(2018, 10, 1), datetime(2019, 1, 1), "UTC", []),
        (datetime(2018, 10, 1), datetime(2019, 1, 1), "Europe/Berlin", [datetime(2018, 10, 28, 2)]),
        (datetime(2018, 10, 1), datetime(2019, 1, 1), "Asia/Kolkata", []),
        # The hour from 02:00 to 03:00 was left out.
        (datetime(2018, 3, 1), datetime(2018, 4, 1), ZONE, []),
        (datetime(2016, 1, 1), datetime(2019, 1, 1), ZONE,
         [datetime(2016, 11, 6, 1), datetime(2017, 11, 5, 1), datetime(2018, 11, 4, 1)]),
        # From midnight to 23:00 of the day before.
        (datetime(2018, 2, 1), datetime(2018, 3, 1), "America/Sao_Paulo", [datetime(2018, 2, 17, 23)]),
        # Right before and right after.
        (datetime(2018, 10, 1), datetime(2018, 11, 4, 1), ZONE, []),
        (datetime(2018, 10, 1), datetime(2018, 11, 4, 1, 30), ZONE, [datetime(2018, 11, 4, 1)]),
        (datetime(2018, 11, 4, 1), datetime(2018, 11, 5), ZONE, [datetime(2018, 11, 4, 1)]),
        (datetime(2018, 11, 4, 2), datetime(2018, 11, 5), ZONE, []),
    ],
)  # fmt: skip
def test_a_zone_knows_which_hours_its_clock_shows_twice(
    first: datetime, last: datetime, zone: str, hours: list[datetime]
) -> None:
    assert repeated_hours(first, last, zone) == hours


@pytest.mark.parametrize(
    ("minutes", "rows", "start", "end", "text"),
    [
        (30, 20, datetime(2018, 11, 4, 1), datetime(2018, 11, 4, 2), "its windows hold two hours of calls (40)"),
        (10, 20, datetime(2018, 11, 4, 1), datetime(2018, 11, 4, 2), "its windows hold two hours of calls (120)"),
        (60, 1_000, datetime(2018, 11, 4, 1), datetime(2018, 11, 4, 2), "its windows hold two hours of calls (1,000)"),
        (120, 20, datetime(2018, 11, 4), datetime(2018, 11, 4, 2), "its window holds one hour more of calls (20)"),
        (360, 20, datetime(2018, 11, 4), datetime(2018, 11, 4, 6), "its window holds one hour more of calls (20)"),
    ],
)
def test_an_hour_that_happened_twice_is_told_with_its_windows(
    minutes: int, rows: int, start: datetime, end: datetime, text: str
) -> None:
    length = timedelta(minutes=minutes)
    windows = series(4, lambda start: rows, first=datetime(2018, 11, 3), length=length)

    assert told(windows, zone=ZONE, length=length) == [
        Finding(start, end, "repeated",
                f"2018-11-04, 01:00 to 02:00 happened twice, as the clocks were set back: {text}.")
    ]  # fmt: skip
    assert told(windows, zone="UTC", length=length) == []
    assert told(windows, zone="", length=length) == []


def test_busiest_and_quietest_days_are_told_beside_the_median_of_all() -> None:
    def rows(start: datetime) -> int:
        return {datetime(2018, 10, 31).date(): 60, datetime(2018, 10, 20).date(): 40}.get(start.date(), 50)

    busiest, quietest, second = told(series(50, rows), "day")

    assert busiest == Finding(
        datetime(2018, 10, 31), datetime(2018, 11, 1), "day",
        "Busiest day: Wednesday, 2018-10-31, with 2,880 calls (median of all days: 2,400).",
    )  # fmt: skip
    assert quietest.text == "Quietest day: Saturday, 2018-10-20, with 1,920 calls (median of all days: 2,400)."
    assert second.text == "Second quietest day: Tuesday, 2018-10-02, with 2,400 calls (median of all days: 2,400)."


def test_a_day_without_any_record_is_the_quietest() -> None:
    gone = spread(datetime(2018, 10, 20), 48, None)

    _, quietest, _ = told(series(50, changes={**gone, FRIDAY: 50}), "day")

    assert quietest.text == "Quietest day: Saturday, 2018-10-20, with 0 calls (median of all days: 2,352)."


def test_days_that_may_be_cut_short_do_not_count() -> None:
    ends = {**spread(MONDAY, 48, 1), **spread(MONDAY + 49 * DAY, 48, 1)}

    found = told(series(50, changes={**ends, FRIDAY: 50}), "day")

    assert [each.start for each in found] == [datetime(2018, 10, 19), datetime(2018, 10, 2), datetime(2018, 10, 3)]


def test_of_equal_days_the_first_is_told() -> None:
    changes = {MONDAY + 20 * DAY: 60, MONDAY + 10 * DAY: 60, MONDAY + 30 * DAY: 40, MONDAY + 15 * DAY: 40}

    found = told(series(50, changes=changes), "day")

    assert [(each.start - MONDAY) // DAY for each in found] == [10, 15, 30]


def test_of_days_that_are_all_alike_none_is_told() -> None:
    assert told(series(50), "day", "hours") == []


@pytest.mark.parametrize("days", [36, 37])
def test_days_are_compared_from_five_whole_weeks_on(days: int) -> None:
    assert len(told(series(days, changes={FRIDAY: 50}), "day")) == (3 if days == 37 else 0)


def test_the_hours_with_the_fewest_and_the_most_kinds_are_told() -> None:
    def rows(start: datetime) -> int:
        return {4.5: 20, 18.0: 66}.get(start.hour + start.minute / 60, 40)

    assert told(series(50, rows), "hours") == [
        Finding(MONDAY, MONDAY + 50 * DAY, "hours",
                "Through the day: 10 crime types in the window from 04:30, 33 from 18:00 (medians).")
    ]  # fmt: skip


def test_of_hours_with_equal_medians_the_mean_decides() -> None:
    def rows(start: datetime) -> int:
        return 20 if start.hour == 4 else 66 if start.hour == 18 else 40

    changes = {MONDAY + 3 * DAY + 4.5 * HOUR: 18, MONDAY + 3 * DAY + 18.5 * HOUR: 68}

    [found] = told(series(50, rows, changes), "hours")

    assert "from 04:30, 33 from 18:30" in found.text


def test_one_window_a_day_has_no_hours_to_compare() -> None:
    assert told(series(50, lambda start: start.day, length=DAY), "hours", length=DAY) == []


def test_windows_within_a_finding_are_marked_with_what_explains_most() -> None:
    night = datetime(2018, 11, 4, 1)
    windows = series(84, changes={**spread(night, 3, 120), **spread(FRIDAY, 2, 0), FRIDAY + HALF_HOUR: None})

    marks = marked_starts(findings(windows, HALF_HOUR, WORDS, zone=ZONE), windows)

    assert marks == {
        FRIDAY: "few",  # the one after it has no row to mark
        night: "repeated",
        night + HALF_HOUR: "repeated",
        night + HOUR: "many",
    }


@original.needs_file
@pytest.mark.real_file
def test_the_original_file_tells_what_happened() -> None:
    counted = recount.counts(recount.load(Path(str(original.FILE))))
    windows = [
        Window(datetime.fromisoformat(start), calls, types)
        for start, _, calls, types, *_ in recount.window_answers(counted)
    ]

    found = findings(windows, HALF_HOUR, WORDS, zone=QUESTION.time_zone)

    spans = {(each.kind, each.start, each.end) for each in found}
    assert ("few", datetime(2018, 12, 14, 12), datetime(2018, 12, 14, 13, 30)) in spans
    assert ("repeated", datetime(2018, 11, 4, 1), datetime(2018, 11, 4, 2)) in spans
    texts = "\n".join(each.text for each in found)
    assert "Busiest day: Wednesday, 2018-10-31, with " in texts
    assert "Quietest day: Tuesday, 2018-12-25, with " in texts
    assert "10 crime types in the window from 04:30, 33 from 18:00 (medians)." in texts
    marks = marked_starts(found, windows)
    assert {marks[datetime(2018, 11, 4, 1)], marks[datetime(2018, 11, 4, 1, 30)]} == {"repeated"}
