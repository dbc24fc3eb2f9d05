"""What the page says, against a recount in plain Python from the calls: of the original file, if it is there."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

import pytest

from tests.page.conftest import OUTAGE, REJECTED
from tests.support import original, recount
from tests.support.browser import Viewer, expect
from tests.support.dashboard import Dashboard
from tests.support.stores import StoredCalls

HALF_HOUR = timedelta(minutes=30)
# Panel, form and address of every link; and the rows of every chart, by its element.
LINKS = """[...document.querySelectorAll('.tools a')].map(
  (link) => [link.closest('.tools').dataset.panel, link.textContent, link.href])"""
DRAWN = """[...document.querySelectorAll('.chart')].filter((chart) => chart.view).map(
  (chart) => [chart.id, chart.view.data('rows')])"""
Look = Callable[..., Viewer]


def percent(part: int, whole: int) -> str:
    """As a person rounds."""
    return f"{math.floor(100 * part / whole + 0.5)} %" if 200 * part >= whole else "<1 %"


@pytest.fixture(scope="module")
def counted(quarter: StoredCalls) -> dict[tuple[str, str, str], int]:
    return quarter.counted


@pytest.fixture
def viewer(quarter_served: Dashboard, look: Look) -> Viewer:
    return look(quarter_served)


def test_the_answer_and_the_books(viewer: Viewer, quarter: StoredCalls, counted: dict[Any, int]) -> None:
    windows = recount.window_answers(counted)
    spread = [row[3] for row in windows]
    votes: Counter[str] = Counter()
    for (_, _, outcome), calls in counted.items():
        votes[outcome] += calls
    usual, its = recount.usual(votes)
    types = len({kind for _, kind, _ in counted})

    viewer.open()

    assert viewer.text("#answer") == (
        f"A half hour has {median(spread):g} crime types (median; {min(spread)} to {max(spread)}). "
        f"Usual resolution: {usual}, {100 * (its or 0) / votes.total():.0f} % of calls."
    )
    assert viewer.text("#made-of") == (
        f"{votes.total():,} calls of {types:,} crime types in {len(windows):,} windows; {usual}: {its:,} calls."
    )
    read, bad = len(quarter.written), len(REJECTED)
    assert viewer.text("#books") == (
        f"Books: read {read + bad:,} = counted {votes.total():,} + duplicates {read - votes.total():,} "
        f"+ late 0 + rejected {bad}. Every record is accounted for."
    )
    assert viewer.text("#question") == (
        "How many different types of crime occur in a 30-minute window, and what is the usual resolution?"
    )


def test_the_answer_of_a_chosen_span(viewer: Viewer, counted: dict[Any, int]) -> None:
    chosen = {key: calls for key, calls in counted.items() if "2018-12-01" <= key[0] < "2018-12-08"}
    spread = [row[3] for row in recount.window_answers(chosen)]

    viewer.open("?from=2018-12-01T00:00&to=2018-12-08T00:00")

    assert f"has {median(spread):g} crime types (median; {min(spread)} to {max(spread)})" in viewer.text("#answer")
    assert viewer.text("#made-of").startswith(f"In the chosen span: {sum(chosen.values()):,} calls of ")


def test_the_kinds_are_all_there_and_can_be_found(viewer: Viewer, counted: dict[Any, int]) -> None:
    answers = sorted(recount.crime_type_answers(counted), key=lambda row: (-row[1], row[0]))
    total = sum(counted.values())
    viewer.open()

    assert viewer.text("#found") == f"{len(answers):,} of {len(answers):,} crime types"
    shown = viewer.table("t-kinds")
    assert [row[:6] for row in shown] == [
        [kind, f"{calls:,}", percent(calls, total), f"{windows:,}", usual or "", f"{its:,}" if its else ""]
        for kind, calls, windows, usual, its in answers[:200]
    ]
    for row, (_, calls, _, _, its) in zip(shown, answers, strict=False):
        # Rounded twice, to hundredths of a percent first.
        assert not its or abs(float(row[6].removesuffix(" %")) - 100 * its / calls) < 0.51
    assert f"The first 200 of {len(answers):,} rows" in viewer.text("#t-kinds caption")

    viewer.page.locator("#find").fill("PASSING")

    found = [row[0] for row in answers if "passing" in row[0].lower()]
    assert [row[0] for row in viewer.table("t-kinds")] == found
    assert viewer.text("#found") == f"{len(found)} of {len(answers):,} crime types"


def unrecorded(row: tuple[Any, ...], counted: dict[Any, int]) -> bool:
    """Whether most of a window's calls have no recorded resolution, and some have one."""
    calls = sum(number for (at, _, outcome), number in counted.items() if (at, outcome) == (row[0], "Not recorded"))
    return row[5] is not None and calls > row[5]


def test_a_window_shows_its_kinds_by_outcome(viewer: Viewer, counted: dict[Any, int]) -> None:
    start, _, calls, types, usual, its = next(
        row for row in recount.window_answers(counted) if unrecorded(row, counted)
    )
    rows = sorted(
        ((kind, outcome, number) for (at, kind, outcome), number in counted.items() if at == start),
        key=lambda row: (-row[2], row[0], row[1]),
    )

    viewer.open(f"?window={start[:16].replace(' ', 'T')}")

    until = datetime.fromisoformat(start) + HALF_HOUR
    assert viewer.text("#h-window").endswith(f"day, {start[:16]} to {until:%H:%M}")
    assert viewer.text("#window-text") == (
        f"{types} crime types, {calls} calls; usual resolution: {usual}, {its} calls ({percent(its, calls)})."
    )
    assert viewer.table("t-window") == [[k, o, str(n), percent(n, calls)] for k, o, n in rows]


def test_a_rejected_record_is_shown_beside_the_window_that_its_time_names(viewer: Viewer) -> None:
    viewer.open("?window=2018-10-10T12:00")
    [row] = viewer.table("window-rejected")
    reason, value = REJECTED[0]
    assert value
    assert row[:4] == [reason, value.decode(), str(len(value)), "2018-10-10 12:10"]

    for step, is_its_own in (("#after", False), ("#before", True), ("#before", False)):
        viewer.page.locator(step).click()
        viewer.settle()
        assert viewer.page.locator("#window-rejected table").count() == is_its_own
    assert [row[:2] for row in viewer.table("t-rejected")] == [
        [reason, "no value" if value is None else value.decode()] for reason, value in reversed(REJECTED)
    ]


def test_the_chart_of_a_week_has_each_window_also_as_a_table(viewer: Viewer, counted: dict[Any, int]) -> None:
    windows = [row for row in recount.window_answers(counted) if "2018-10-08" <= row[0] < "2018-10-15"]
    viewer.open("?from=2018-10-08T00:00&to=2018-10-15T00:00")

    viewer.page.get_by_role("button", name="windows as a table").click()

    expect(viewer.page.locator("#t-windows table")).to_be_visible()
    shown = [[row[0], row[1], row[3], row[4]] for row in viewer.table("t-windows")]
    assert shown == [[start[:16], end[:16], f"{calls:,}", f"{types:,}"] for start, end, calls, types, *_ in windows]
    drawn = dict(viewer.page.evaluate(DRAWN))["c-windows"]
    assert [row["kinds"] for row in drawn] == [row[3] for row in windows]


@pytest.mark.parametrize(("until", "step"), [("2018-12-01", "1 hour"), ("2018-12-31", "2 hours")])
def test_the_chart_of_a_longer_span_says_how_long_its_steps_are(
    viewer: Viewer, counted: dict[Any, int], until: str, step: str
) -> None:
    windows = [row for row in recount.window_answers(counted) if "2018-10-08" <= row[0] < until]
    viewer.open(f"?from=2018-10-08T00:00&to={until}T00:00")

    assert viewer.text("#windows-hint") == (
        f"Each step is {step}: the mean of its windows, and their least and most. "
        "Choose a shorter span to see every window."
    )
    drawn = dict(viewer.page.evaluate(DRAWN))["c-windows"]
    assert sum(row["rows"] for row in drawn) == sum(row[2] for row in windows)
    assert sum(row["windows"] for row in drawn) == len(windows)
    assert max(row["most"] for row in drawn) == max(row[3] for row in windows)


PANELS_OF_CHARTS = {
    "windows": ["c-windows", "c-volume"], "shares": ["c-shares"], "outcomes": ["c-outcomes"], "hours": ["c-hours"],
    "kind": ["c-kind"],
}  # fmt: skip


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose numbers are numbers: they are text in CSV, and without a point in JavaScript."""
    return {name: float(value) if re.fullmatch(r"-?[\d.]+", str(value)) else value for name, value in row.items()}


def test_the_links_of_every_panel_give_the_rows_that_its_chart_has(viewer: Viewer) -> None:
    viewer.open("?from=2018-11-01T00:00&to=2018-11-08T00:00&window=2018-11-03T20:00&kind=Passing Call")
    links = viewer.page.evaluate(LINKS)
    drawn = dict(viewer.page.evaluate(DRAWN))

    assert Counter(form for _, form, _ in links) == {"CSV": 10, "JSON": 10}
    for panel, form, address in links:
        text = viewer.context.request.get(address).text()
        rows = json.loads(text)["rows"] if form == "JSON" else list(csv.DictReader(io.StringIO(text)))
        assert rows, address
        for chart in PANELS_OF_CHARTS.get(panel, []):
            seen = [{name: row[name] for name in rows[0]} for row in drawn[chart]]
            assert list(map(plain, seen)) == list(map(plain, rows)), address


def by_window(counted: dict[Any, int]) -> dict[datetime, int]:
    return {datetime.fromisoformat(row[0]): row[2] for row in recount.window_answers(counted)}


def usual_calls(calls: dict[datetime, int], start: datetime) -> float:
    """The median of the same weekday and time of day, over all weeks; a window without calls counts as none."""
    slot = [at for week in range(-20, 21) if min(calls) <= (at := start + timedelta(weeks=week)) <= max(calls)]
    return median(calls.get(at, 0) for at in slot)


def test_the_findings_are_those_of_a_recount(viewer: Viewer, counted: dict[Any, int]) -> None:
    calls = by_window(counted)
    days: Counter[date] = Counter()
    for start, number in calls.items():
        days[start.date()] += number
    whole = {day: number for day, number in days.items() if min(days) < day < max(days)}
    middle = median(whole.values())

    viewer.open()
    said = viewer.page.locator("#findings li").all_text_contents()

    busiest, (quietest, second) = max(whole.values()), sorted(whole.values())[:2]
    for name, number in (("Busiest", busiest), ("Quietest", quietest), ("Second quietest", second)):
        [found] = [re.fullmatch(rf"{name} day: (\w+), (\S+), with (\S+) calls \(median of all days: (\S+)\)\.", text)
                   for text in said if text.startswith(f"{name} day")]  # fmt: skip
        assert found
        day = date.fromisoformat(found[2])
        assert (whole[day], f"{day:%A}") == (number, found[1])
        assert (found[3], found[4]) == (f"{number:,}", f"{middle:,.0f}")
    [twice] = [text for text in said if "happened twice" in text]
    doubled = sum(calls.get(datetime(2018, 11, 4, 1, minute), 0) for minute in (0, 30))
    assert twice.startswith("◆2018-11-04, 01:00 to 02:00")
    assert f"two hours of calls ({doubled:,})" in twice


def test_the_hours_of_the_day_are_those_of_a_recount(viewer: Viewer, counted: dict[Any, int]) -> None:
    by_time: dict[str, list[int]] = defaultdict(list)
    for start, _, _, types, *_ in recount.window_answers(counted):
        by_time[start[11:16]].append(types)
    middle = {at: median(types) for at, types in by_time.items()}

    viewer.open()
    [text] = [text for text in viewer.page.locator("#findings li").all_text_contents() if "Through the day" in text]

    least, at_least, most, at_most = re.findall(r"\d[\d.]*(?::\d\d)?", text)
    assert (float(least), middle[at_least]) == (min(middle.values()), min(middle.values()))
    assert (float(most), middle[at_most]) == (max(middle.values()), max(middle.values()))


def test_windows_far_from_usual_are_said_with_what_is_usual_and_marked(viewer: Viewer, counted: dict[Any, int]) -> None:
    calls = by_window(counted)
    viewer.open()
    said = [text for text in viewer.page.locator("#findings li").all_text_contents() if text[0] in "▼▲"]

    assert said
    for text in said:
        found = re.fullmatch(r".(\S+), (\S+) to (?:(\S+), )?(\S+): (\S+) calls?, where some (\S+) are usual\.", text)
        assert found
        start, end = (
            datetime.fromisoformat(f"{day} {at}")
            for day, at in ((found[1], found[2]), (found[3] or found[1], found[4]))
        )
        starts = [start + n * HALF_HOUR for n in range((end - start) // HALF_HOUR)]
        assert int(found[5].replace(",", "")) == sum(calls.get(at, 0) for at in starts)
        assert found[6] == f"{sum(usual_calls(calls, at) for at in starts):,.0f}"


def test_an_outage_is_found_and_opened_with_its_windows_marked(viewer: Viewer, counted: dict[Any, int]) -> None:
    outage = "2018-12-14, 1" if original.FILE else OUTAGE[0].replace("T", ", ")[:13]
    viewer.open()

    button = viewer.page.locator("#findings button").filter(has_text=f"▼{outage}").first
    [(day, at)] = re.findall(r"▼(\S+), (\S+) to", button.text_content() or "")
    button.click()
    viewer.settle()

    start = datetime.fromisoformat(f"{day} {at}")
    assert viewer.text("#h-window").endswith(f"{start:%Y-%m-%d %H:%M} to {start + HALF_HOUR:%H:%M}")
    drawn = {row["start"]: row for row in dict(viewer.page.evaluate(DRAWN))["c-windows"]}
    if f"{start}" in drawn:  # a window without calls is not there
        assert (drawn[f"{start}"]["mark"], drawn[f"{start}"]["is_chosen"]) == ("few", True)
