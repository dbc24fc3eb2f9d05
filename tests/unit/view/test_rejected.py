"""Why records were rejected, as it is printed, and at the end of a run."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sf_police.calls import QUESTION
from sf_police.errors import SfPoliceError
from sf_police.how_to import in_reach
from sf_police.store import retention
from sf_police.store.answers import StoreReader
from sf_police.store.database import open_database
from sf_police.view.answer import print_result, print_run
from sf_police.view.rejected import print_rejected
from tests.support.builders import a_batch, store_batch

COUNTS = [("2018-10-12 14:00:00", "2018-10-12 14:30:00", "Traffic Stop", "Handled", 6)]
VALUES = [b'{"a":1}', b"\xff\x00\x1b[31m", b"x" * 5_000, None]
REASONS = ["crime_id is missing", "not UTF-8", "crime_id is missing", "no value"]


def rejected_rows() -> list[dict[str, Any]]:
    return [
        {"topic": "calls", "partition": 0, "offset": offset, "reason": reason, "value": value}
        for offset, (reason, value) in enumerate(zip(REASONS, VALUES, strict=True))
    ]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoreReader]:
    """Four rejected records, and six counted calls."""
    with closing(open_database(f"sqlite:///{tmp_path / 'answers.db'}", QUESTION)) as database:
        database.create()
        store_batch(database, COUNTS, rejected_rows())
        yield StoreReader(database)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[StoreReader]:
    with closing(open_database(f"sqlite:///{tmp_path / 'empty.db'}", QUESTION)) as database:
        database.create()
        yield StoreReader(database)


def printed(store: StoreReader, capsys: pytest.CaptureFixture[str], **more: Any) -> str:
    print_rejected(store, **{"format": "table", "reason": "", "limit": 1, **more})
    return capsys.readouterr().out


def test_the_table_has_each_reason_its_number_and_a_sample(
    store: StoreReader, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = printed(store, capsys)

    table, *samples = shown.split("\n\n")
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in table.splitlines() if "│" in line]
    assert cells == [["2", "crime_id is missing"], ["1", "no value"], ["1", "not UTF-8"]]
    assert [sample.splitlines() for sample in samples] == [
        ["crime_id is missing", "  calls, partition 0, offset 0:", '    {"a":1}'],
        ["no value", "  calls, partition 0, offset 3:", "    no value"],
        ["not UTF-8", "  calls, partition 0, offset 1:", "    \\xff\\x00\\x1b[31m"],
    ]


def test_more_samples_of_some_reasons(store: StoreReader, capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(store, capsys, reason="IS missing", limit=5)

    assert "UTF-8" not in shown
    assert "offset 0:" in shown
    assert shown.endswith(f"offset 2:\n    {'x' * 300}… (5,000 bytes)\n")


def test_json_has_them_all(store: StoreReader, capsys: pytest.CaptureFixture[str]) -> None:
    place = {"topic": "calls", "partition": 0}

    assert json.loads(printed(store, capsys, format="json", limit=2)) == {
        "rejected": 4,
        "reasons": [
            {
                "reason": "crime_id is missing",
                "records": 2,
                "samples": [
                    {**place, "offset": 0, "bytes": 7, "value": '{"a":1}'},
                    {**place, "offset": 2, "bytes": 5_000, "value": "x" * 1_000 + "… (5,000 bytes)"},
                ],
            },
            {
                "reason": "no value",
                "records": 1,
                "samples": [{**place, "offset": 3, "bytes": None, "value": "no value"}],
            },
            {
                "reason": "not UTF-8",
                "records": 1,
                "samples": [{**place, "offset": 1, "bytes": 7, "value": "\\xff\\x00\\x1b[31m"}],
            },
        ],
    }


def test_csv_has_a_row_for_each_sample(store: StoreReader, capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(printed(store, capsys, format="csv"))))

    assert list(rows[0]) == ["reason", "records", "topic", "partition", "offset", "bytes", "value"]
    assert [list(row.values())[:6] for row in rows] == [
        ["crime_id is missing", "2", "calls", "0", "0", "7"],
        ["no value", "1", "calls", "0", "3", ""],
        ["not UTF-8", "1", "calls", "0", "1", "7"],
    ]


@pytest.mark.parametrize(
    ("format", "reason", "shown"),
    [
        ("table", "", "no record was rejected\n"),
        ("table", "x", "no record was rejected with a reason that contains 'x'\n"),
        ("csv", "", "reason,records,topic,partition,offset,bytes,value\n"),
    ],
)
def test_nothing_rejected_is_said(
    empty: StoreReader, capsys: pytest.CaptureFixture[str], format: str, reason: str, shown: str
) -> None:
    assert printed(empty, capsys, format=format, reason=reason) == shown


def test_records_that_are_no_longer_kept_are_not_passed_over(
    store: StoreReader, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "ALWAYS_KEPT", 1)
    store_batch(store.database, retention=timedelta(0))

    print_rejected(store, format="table", reason="", limit=1)

    out, err = capsys.readouterr()
    assert out == "no rejected record is kept\n"
    assert err == "besides, 4 rejected records no longer kept one by one (RETENTION)\n"


def test_a_value_is_written_byte_for_byte(store: StoreReader, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    print_rejected(store, format="raw", reason="utf-8", limit=1)

    assert capfdbinary.readouterr().out == VALUES[1]


def test_a_value_of_no_reason_is_an_error(store: StoreReader) -> None:
    with pytest.raises(SfPoliceError, match="no record was rejected with a reason that contains 'x'"):
        print_rejected(store, format="raw", reason="x", limit=1)


def test_the_end_of_a_run_says_the_top_reason(store: StoreReader, capsys: pytest.CaptureFixture[str]) -> None:
    code = print_result(store)

    assert code == 0
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"rejected 4 records; most often: crime_id is missing (2); see {in_reach('`sf-police rejected`')}"
    )


def test_a_run_whose_records_were_all_rejected_has_failed(
    empty: StoreReader, capsys: pytest.CaptureFixture[str]
) -> None:
    store_batch(empty.database, rejected=rejected_rows())

    code = print_run(empty)

    out, err = capsys.readouterr()
    assert (code, out) == (1, "")
    assert err.splitlines()[-1] == (
        "every record was rejected, so nothing was counted; most often: crime_id is missing (2); "
        f"see {in_reach('`sf-police rejected`')}"
    )
    assert print_result(empty) == 0  # to look at it is no failure


def test_rejected_records_that_the_store_lacks_are_no_traceback(
    empty: StoreReader, capsys: pytest.CaptureFixture[str]
) -> None:
    with empty.database.transaction() as connection:
        connection.execute(empty.database.tables.batches.insert(), a_batch(read=4, rejected=4).row())

    assert print_run(empty) == 1
    assert "THEY DO NOT BALANCE" in capsys.readouterr().err
