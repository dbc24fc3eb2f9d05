"""The answer as it is printed, where standard output is no terminal."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sf_police.calls import QUESTION
from sf_police.cli import main
from sf_police.errors import SfPoliceError
from sf_police.store.answers import StoreReader
from sf_police.store.database import open_database
from sf_police.view import answer
from sf_police.view.answer import print_answer, print_result
from tests.support.builders import store_batch

TWO, HALF_PAST_TWO, THREE = (f"2018-10-12 {time}:00" for time in ("14:00", "14:30", "15:00"))
COUNTS = [
    (TWO, HALF_PAST_TWO, "Traffic Stop", "Handled", 6),
    (TWO, HALF_PAST_TWO, "Passing Call", "Advised", 1),
    (HALF_PAST_TWO, THREE, "Traffic Stop", "Not recorded", 3),
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoreReader]:
    """Ten calls in two windows."""
    with closing(open_database(f"sqlite:///{tmp_path / 'answers.db'}", QUESTION)) as database:
        database.create()
        store_batch(database, COUNTS)
        yield StoreReader(database)


@pytest.fixture
def printed(store: StoreReader, capsys: pytest.CaptureFixture[str]) -> Any:
    """What a call of `print_answer` prints."""

    def run(format: str, *, by: str | None = None, start: datetime | None = None, limit: int | None = None) -> str:
        print_answer(store, format=format, by=by, window_start=start, limit=limit)
        return capsys.readouterr().out

    return run


def csv_rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_json_is_the_totals_and_each_answer(printed: Any) -> None:
    document = json.loads(printed("json"))

    assert list(document) == ["totals", "windows", "crime_types"]
    assert document["totals"]["calls"] == 10
    assert [row["calls"] for row in document["windows"]] == [7, 3]
    assert [(row["crime_type"], row["calls"]) for row in document["crime_types"]] == [
        ("Traffic Stop", 9), ("Passing Call", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("by", "parts"), [("window", ["totals", "windows"]), ("crime-type", ["totals", "crime_types"])]
)
def test_one_answer_can_be_asked_for(printed: Any, by: str, parts: list[str]) -> None:
    assert list(json.loads(printed("json", by=by))) == parts


def test_a_limit_holds_for_each_answer_and_not_for_the_totals(printed: Any) -> None:
    document = json.loads(printed("json", limit=1))

    assert [len(document[part]) for part in ("windows", "crime_types")] == [1, 1]
    assert document["totals"]["calls"] == 10


@pytest.mark.parametrize(
    ("by", "column", "expected"),
    [(None, "window_start", ["2018-10-12 14:00:00", "2018-10-12 14:30:00"]),
     ("crime-type", "crime_type", ["Traffic Stop", "Passing Call"])],
)  # fmt: skip
def test_csv_is_the_windows_or_what_is_asked_for(
    printed: Any, by: str | None, column: str, expected: list[str]
) -> None:
    assert [row[column] for row in csv_rows(printed("csv", by=by))] == expected


@pytest.mark.parametrize(("limit", "starts"), [(None, [TWO, HALF_PAST_TWO]), (1, [HALF_PAST_TWO])])
def test_data_is_in_time_order_and_a_limit_takes_the_newest(printed: Any, limit: int | None, starts: list[str]) -> None:
    as_json = json.loads(printed("json", limit=limit))["windows"]
    as_csv = csv_rows(printed("csv", limit=limit))

    assert [[row["window_start"] for row in rows] for rows in (as_json, as_csv)] == [
        starts,
        starts,
    ]


@pytest.mark.parametrize(
    ("by", "limit", "starts"), [(None, None, [HALF_PAST_TWO, TWO]), ("window", 1, [HALF_PAST_TWO])]
)
def test_tables_have_the_newest_windows_first(
    printed: Any, by: str | None, limit: int | None, starts: list[str]
) -> None:
    shown = printed("table", by=by, limit=limit)

    assert [f"{start}:00" for start in re.findall(r"2018-10-12 1\d:\d0(?= - )", shown)] == starts
    assert "newest of 2 windows" in shown


@pytest.mark.parametrize("by", [None, "crime-type"])
def test_a_csv_of_nothing_has_the_header_that_it_will_have(
    tmp_path: Path, printed: Any, capsys: pytest.CaptureFixture[str], by: str | None
) -> None:
    with closing(open_database(f"sqlite:///{tmp_path / 'empty.db'}", QUESTION)) as database:
        database.create()
        print_answer(StoreReader(database), format="csv", by=by, window_start=None, limit=None)

    assert capsys.readouterr().out.splitlines() == printed("csv", by=by).splitlines()[:1]


def test_shares_are_in_json_and_a_csv_has_the_columns_of_the_view(printed: Any) -> None:
    document = json.loads(printed("json"))

    assert document["totals"]["usual_resolution_share"] == 0.6
    assert [row["usual_resolution_share"] for row in document["windows"]] == [0.8571, None]
    assert [row["calls_share"] for row in document["crime_types"]] == [0.9, 0.1]
    assert "share" not in printed("csv").splitlines()[0]


@pytest.mark.parametrize(("height", "tables", "rows"), [(24, 2, 4), (8, 2, 3), (40, 2, 10), (200, 2, 10), (24, 1, 10)])
def test_on_a_terminal_the_headline_does_not_scroll_off(
    monkeypatch: pytest.MonkeyPatch, height: int, tables: int, rows: int
) -> None:
    monkeypatch.setattr(answer, "Console", lambda: Console(height=height))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)

    assert answer.table_rows(tables) == rows


def test_one_window_comes_with_its_counts(printed: Any) -> None:
    document = json.loads(printed("json", start=datetime(2018, 10, 12, 14), limit=1))

    assert list(document) == ["windows", "counts"]
    assert [row["calls"] for row in document["windows"]] == [7]
    assert [(row["crime_type"], row["resolution"], row["calls"]) for row in document["counts"]] == [
        ("Traffic Stop", "Handled", 6)
    ]


def test_a_window_without_anything_is_refused(printed: Any) -> None:
    with pytest.raises(SfPoliceError, match="in a window that starts at 2018-10-12 15:00:00"):
        printed("json", start=datetime(2018, 10, 12, 15))


def test_a_pipe_cuts_nothing_off(printed: Any) -> None:
    shown = printed("table")

    assert "2018-10-12 14:00 - 14:30" in shown
    assert "none recorded" in shown
    assert shown.index("windows") < shown.index("most frequent of 2 crime types")
    assert shown.splitlines()[:2] == [
        "A half hour has 1.5 crime types (median; 1 to 2). Usual resolution: Handled, 60 % of calls.",
        "10 calls of 2 crime types in 2 windows; Handled: 6 calls.",
    ]


def test_the_result_is_the_answer_and_the_books_aside(store: StoreReader, capsys: pytest.CaptureFixture[str]) -> None:
    code = print_result(store)

    out, err = capsys.readouterr()
    assert code == 0
    assert out.startswith(
        "A half hour has 1.5 crime types (median; 1 to 2). Usual resolution: Handled, 60 % of calls.\n"
    )
    assert "newest of 2 windows" in out
    assert err.startswith("books: read 10 = counted 10 ")
    assert "books" not in out


def test_books_that_do_not_balance_are_a_failure(store: StoreReader, capsys: pytest.CaptureFixture[str]) -> None:
    store_batch(store.database, read=2)

    assert print_result(store) == 1
    assert "DO NOT BALANCE" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["--format", "json"], ["--format", "csv"], ["--by", "window"], ["--window", "2018-10-12 14:00"], []],
    ids=" ".join,
)
def test_every_form_of_the_answer_says_when_the_books_do_not_balance(
    store: StoreReader, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(["answer", "--state-dir", str(tmp_path), *arguments]) == 0
    capsys.readouterr()
    store_batch(store.database, read=2)

    assert main(["answer", "--state-dir", str(tmp_path), *arguments]) == 1

    out, err = capsys.readouterr()
    assert "Traffic Stop" in out or "2018-10-12" in out
    assert err.count("\n") == 1
    assert "THEY DO NOT BALANCE" in err


@pytest.mark.parametrize(
    "arguments", [["--format", "json"], ["--format", "csv"], ["--by", "window"], ["--by", "crime-type"], []],
    ids=" ".join,
)  # fmt: skip
def test_a_store_of_rejected_records_only_has_an_empty_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    with closing(open_database(f"sqlite:///{tmp_path / 'answers.db'}", QUESTION)) as database:
        record = {"topic": "calls", "partition": 0, "offset": 0, "reason": "not UTF-8", "value": b"\xff"}
        store_batch(database, rejected=[record])

    assert main(["answer", "--state-dir", str(tmp_path), *arguments]) == 0

    out = capsys.readouterr().out
    if arguments == ["--format", "json"]:
        nothing = {"minimum": None, "median": None, "maximum": None}
        totals = {"calls": 0, "windows": 0, "crime_types": 0, "usual_resolution": None, "usual_resolution_calls": None}
        totals |= {"window": None, "crime_types_per_window": nothing, "usual_resolution_share": None}
        expected = {"totals": totals, "windows": [], "crime_types": []}
        assert json.loads(out) == expected


@pytest.mark.parametrize("format", ["table", "json", "csv"])
def test_one_window_has_no_other_answers(
    store: StoreReader, tmp_path: Path, capsys: pytest.CaptureFixture[str], format: str
) -> None:
    window = ["answer", "--state-dir", str(tmp_path), "--window", TWO, "--format", format]
    assert main(window) == 0
    whole = capsys.readouterr().out

    assert main([*window, "--by", "crime-type"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "error: --by crime-type cannot be combined with --window, which prints one window and its counts: "
        "leave one of them out\n"
    )
    assert main([*window, "--by", "window"]) == 0
    assert capsys.readouterr().out == whole != ""
