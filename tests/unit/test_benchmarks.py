"""What the benchmarks check by and show: known calls, their counts, spreads and tables."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import common, real_time
from benchmarks.common import QUARTER, expected_counts, many_records, markdown_table, spread, text_of
from tests.support import recount
from tests.support.builders import a_value
from tests.support.environment import ROOT


def test_many_records_are_quarters_one_after_the_other() -> None:
    records = list(many_records(QUARTER + 3))
    times = [json.loads(record.value)["call_date_time"] for record in records]

    assert [record.position for record in records] == list(range(QUARTER + 3))
    assert times == sorted(times)
    assert times[0][:10] == "2018-07-02"
    assert times[QUARTER][:10] == "2018-10-02"


def test_expected_counts_are_those_of_the_oracle() -> None:
    values = [record.value for record in many_records(5000)]
    expected: dict[tuple[str, str, str], int] = {}
    for (start, name, code), calls in expected_counts(values).items():
        group = (start, name, recount.MEANING.get(code, code))
        expected[group] = expected.get(group, 0) + calls

    assert expected == recount.counts([json.loads(value) for value in values])


def test_repeats_count_once_or_as_they_are() -> None:
    values = [a_value(), a_value()]

    assert list(expected_counts(values).values()) == [1]
    assert list(expected_counts(values, is_distinct=False).values()) == [2]


def test_a_spread_reads_as_median_with_its_ends() -> None:
    assert text_of(spread([3000, 1000, 2000], 0)) == "2,000 (1,000–3,000)"
    assert text_of(spread([2.25]), ".1f") == "2.2"


def test_markdown_table() -> None:
    assert markdown_table(("a", "b"), [(1, "x")]) == "| a | b |\n| --- | --- |\n| 1 | x |"


def of_topic(position: int, value: bytes, timestamp: int = 1_000) -> Any:
    return SimpleNamespace(partition=position % 3, offset=position // 3, timestamp=timestamp, key=None, value=value)


def that_came_out(one: real_time.Judged, timestamp: int = 1_000) -> Any:
    """What has to come out of a record, as kafka-python reads it."""
    headers = [] if one.reason is None else [("reason", one.reason.encode())]
    key = real_time.place(one.record.position)
    return SimpleNamespace(key=key, value=one.record.value, timestamp=timestamp, headers=headers)


SENT = list(real_time.judged(25))
IN = [of_topic(position, one.record.value) for position, one in enumerate(SENT)]
ACCEPTED = [that_came_out(one) for one in SENT if one.reason is None]
REJECTED = [that_came_out(one) for one in SENT if one.reason is not None]


def test_every_tenth_record_is_broken_and_has_its_reason_from_the_table() -> None:
    assert [one.record.position for one in SENT if one.reason is not None] == [0, 10, 20]
    assert [one.record.position for one in SENT] == list(range(25))
    assert len({reason for _, reason in real_time.BAD}) == 15


def test_records_that_came_out_as_they_were_sent_pass() -> None:
    real_time.check(SENT, IN, ACCEPTED, REJECTED)


def changed(one: Any, **values: Any) -> Any:
    return SimpleNamespace(**{**vars(one), **values})


@pytest.mark.parametrize(
    ("accepted", "rejected", "said"),
    [
        (ACCEPTED[1:], REJECTED, "0:? did not come out"),
        ([*ACCEPTED, ACCEPTED[3]], REJECTED, "came out twice"),
        ([*ACCEPTED, changed(REJECTED[0], headers=[])], REJECTED[1:], "did not come out as it should"),
        (ACCEPTED[1:], [*REJECTED, changed(ACCEPTED[0], headers=[("reason", b"x")])], "should: accepted"),
        (ACCEPTED, [changed(REJECTED[0], headers=[("reason", b"another")]), *REJECTED[1:]], "as it should"),
        ([changed(ACCEPTED[0], value=b"{}"), *ACCEPTED[1:]], REJECTED, "as it should"),
        ([*ACCEPTED, changed(ACCEPTED[0], key=b"9:9")], REJECTED, "1 records came out that were not sent"),
    ],
    ids=["missing", "twice", "let through", "turned away", "another reason", "other bytes", "from nowhere"],
)
def test_what_came_out_otherwise_ends_the_benchmark(accepted: list[Any], rejected: list[Any], said: str) -> None:
    with pytest.raises(SystemExit, match=said):
        real_time.check(SENT, IN, accepted, rejected)


def test_latency_is_of_the_records_after_the_warm_up() -> None:
    taken = {position: 50 if position < 5 else position for position in range(25)}
    out = [that_came_out(one, 1_000 + taken[one.record.position]) for one in SENT]

    found = real_time.latency(IN, out[:10], out[10:], since=5)

    assert found == {"records": 20, "p50_ms": 14, "p99_ms": 25, "max_ms": 24}


def test_a_table_of_ways_has_the_spread_of_their_runs_and_of_the_load() -> None:
    runs = [{"p50_ms": n, "p99_ms": 10 * n, "max_ms": 7, "cpu_share": n / 10, "load": 3.0} for n in (3, 1, 2)]

    assert real_time.table({"a way": runs}).splitlines()[2] == (
        "| a way | 2 (1–3) | 20 (10–30) | 7 | 0.20 (0.10–0.30) | 3.0 |"
    )


def test_the_page_on_real_time_mode_has_the_table_that_was_measured_and_no_other() -> None:
    page = (ROOT / "docs" / "how-it-compares.md").read_text("utf-8")
    measured = common.RESULTS / "real_time.md"

    shown = re.findall(r"^\| way \|.*?(?=\n\n)", page, re.DOTALL | re.MULTILINE)

    assert shown == ([measured.read_text("utf-8").rstrip()] if measured.exists() else [])
