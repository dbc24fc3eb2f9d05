"""What the benchmarks check by and show: known calls, their counts, spreads and tables."""

from __future__ import annotations

import json

from benchmarks.common import QUARTER, expected_counts, many_records, markdown_table, spread, text_of
from tests.support import recount
from tests.support.builders import a_value


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
