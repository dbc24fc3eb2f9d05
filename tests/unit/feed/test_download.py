"""Pages of a data set into a file: whole, once each, whatever happens meanwhile; against a server on this machine."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sf_police.calls import QUESTION
from sf_police.errors import SfPoliceError
from sf_police.feed.client import FeedClient
from sf_police.feed.download import Downloaded, download
from sf_police.feed.feeds import feed_named
from sf_police.feed.mapping import RowMapping
from sf_police.feed.socrata import Dataset
from tests.support.socrata import ListedRows, OpenData, open_data, status

FEED = feed_named("sf-closed")
START, END = "2026-05-01T00:00:00.000", "2026-05-02T00:00:00.000"


def a_row(number: int, minute: int | None = None, **more: Any) -> dict[str, Any]:
    hour, rest = divmod(number // 2 if minute is None else minute, 60)
    return {
        "cad_number": str(number), "received_datetime": f"2026-05-01T{hour:02}:{rest:02}:00.000",
        "call_type_final_desc": "FIGHT", "disposition": "HAN", **more,
    }  # fmt: skip


# Two calls a minute: a page of seven ends within a minute now and then.
ROWS = [a_row(number) for number in range(100)]


@pytest.fixture
def server() -> Iterator[OpenData]:
    with open_data(**{FEED.dataset.replace("-", "_"): ListedRows(ROWS, FEED.columns)}) as server:
        yield server


def run(server: OpenData, path: Path, *, most_rows: int = 7, end: str = END) -> Downloaded:
    dataset = Dataset(FeedClient(server.url, say=print, sleep=print), FEED, most_rows=most_rows)
    return download(dataset, RowMapping(FEED, QUESTION), path, start=START, end=end, undecided=QUESTION.no_vote)


def ids(path: Path) -> list[str]:
    with gzip.open(path) as file:
        return [json.loads(line)["crime_id"] for line in file]


def test_every_row_is_in_the_file_once_and_nothing_is_beside_it(server: OpenData, tmp_path: Path) -> None:
    done = run(server, tmp_path / "calls.json.gz")

    assert ids(tmp_path / "calls.json.gz") == [str(number) for number in range(100)]
    assert (done.rows, done.records, done.left_out) == (100, 100, {})
    assert [path.name for path in tmp_path.iterdir()] == ["calls.json.gz"]


@pytest.mark.parametrize("most_rows", [3, 10, 99, 100, 101, 1000])
def test_pages_of_any_size_give_the_same(server: OpenData, tmp_path: Path, most_rows: int) -> None:
    run(server, tmp_path / "calls.json.gz", most_rows=most_rows)

    assert ids(tmp_path / "calls.json.gz") == [str(number) for number in range(100)]


def test_rows_that_come_in_meanwhile_push_none_out_and_none_in_twice(server: OpenData, tmp_path: Path) -> None:
    rows = server.datasets[FEED.dataset]
    assert isinstance(rows, ListedRows)
    added = [a_row(1000 + number, minute) for number, minute in enumerate((0, 40, 2, 49, 10, 0))]
    server.after = [lambda row=row: rows.rows.insert(0, row) for row in added]  # type: ignore[misc]
    server.after += [rows.rows.pop]  # and one goes

    run(server, tmp_path / "calls.json.gz")

    found = ids(tmp_path / "calls.json.gz")
    assert len(found) == len(set(found))
    assert set(found) >= {str(number) for number in range(99)}
    assert {"1001", "1003"} <= set(found)  # these were ahead


def test_a_server_that_gives_fewer_rows_than_asked_for_loses_none(server: OpenData, tmp_path: Path) -> None:
    rows = ListedRows(ROWS, FEED.columns)
    rows.between = lambda *span: ListedRows.between(rows, *span)[:5]  # type: ignore[method-assign]
    server.datasets[FEED.dataset] = rows

    run(server, tmp_path / "calls.json.gz", most_rows=1000)

    assert ids(tmp_path / "calls.json.gz") == [str(number) for number in range(100)]


@pytest.mark.parametrize("pages", [0, 1, 5])
def test_after_a_failure_it_goes_on_without_a_gap_or_a_repeat(server: OpenData, tmp_path: Path, pages: int) -> None:
    path = tmp_path / "calls.json.gz"
    server.misbehave = [*[None] * pages, status(400)]
    with pytest.raises(SfPoliceError, match="HTTP 400"):
        run(server, path)
    assert not path.exists()
    with (tmp_path / "calls.json.gz.part").open("ab") as file:
        file.write(b"what a kill has left of a page")
    asked = len(server.requests)

    assert run(server, path).rows == 100

    assert ids(path) == [str(number) for number in range(100)]
    assert not any(START in query["$where"].split(" AND ")[0] for query, _ in server.requests[asked:]) or not pages


def test_a_journal_that_outlived_its_part_starts_over(server: OpenData, tmp_path: Path) -> None:
    path = tmp_path / "calls.json.gz"
    server.misbehave = [None, status(400)]
    with pytest.raises(SfPoliceError):
        run(server, path)
    (tmp_path / "calls.json.gz.part").unlink()

    run(server, path)

    assert ids(path) == [str(number) for number in range(100)]


def test_a_part_of_something_else_is_left_alone(server: OpenData, tmp_path: Path) -> None:
    path = tmp_path / "calls.json.gz"
    part, journal = tmp_path / "calls.json.gz.part", tmp_path / "calls.json.gz.part.json"
    part.write_bytes(b"mine")
    with pytest.raises(SfPoliceError, match="calls.json.gz.part is there without its journal: name another file"):
        run(server, path)
    for text in ("mine", "{}", '{"made by": "sf-police fetch"}', "[]"):
        journal.write_text(text)
        with pytest.raises(SfPoliceError, match=r"part.json is not the journal of a download: name another file"):
            run(server, path)
    assert (part.read_bytes(), journal.read_text()) == (b"mine", "[]")
    part.unlink()
    journal.unlink()

    server.misbehave = [None, status(400)]
    with pytest.raises(SfPoliceError, match="HTTP 400"):
        run(server, path)
    with pytest.raises(
        SfPoliceError, match=r"part is of another download \(127.0.0.1:.*, 2zdj-bwza, 2026-05-01T00.*\)"
    ):
        run(server, path, end="2026-05-03T00:00:00.000")
    part.write_bytes(b"")
    with pytest.raises(SfPoliceError, match=r"part is shorter than calls.json.gz.part.json says"):
        run(server, path)


def test_rows_that_are_no_calls_are_left_out_and_counted(server: OpenData, tmp_path: Path) -> None:
    rows = [a_row(1), a_row(2, cad_number=None), a_row(3, call_type_final_desc=None), a_row(4, disposition=None)]
    server.datasets[FEED.dataset] = ListedRows(rows, FEED.columns)

    done = run(server, tmp_path / "calls.json.gz")

    assert ids(tmp_path / "calls.json.gz") == ["1", "4"]
    assert (done.rows, done.records, dict(done.left_out)) == (4, 2, {
        "it has no cad_number": 1, "it has no call_type_final_desc or call_type_original_desc": 1,
    })  # fmt: skip
    with gzip.open(tmp_path / "calls.json.gz") as file:
        assert json.loads(file.readlines()[1])["disposition"] == "Not recorded"


def test_days_without_calls_are_said_and_leave_nothing(server: OpenData, tmp_path: Path) -> None:
    server.datasets[FEED.dataset] = ListedRows([], FEED.columns)

    with pytest.raises(SfPoliceError, match="has no calls in 2zdj-bwza between 2026-05-01T00:00:00.000 and 2026-05-02"):
        run(server, tmp_path / "calls.json.gz")
    assert list(tmp_path.iterdir()) == []


def test_more_rows_at_one_time_than_a_page_takes_and_a_wrong_order_are_refused(
    server: OpenData, tmp_path: Path
) -> None:
    server.datasets[FEED.dataset] = ListedRows([a_row(number, 5) for number in range(7)], FEED.columns)
    with pytest.raises(SfPoliceError, match="has 7 rows or more of 2zdj-bwza at 2026-05-01T00:05:00.000 alone"):
        run(server, tmp_path / "calls.json.gz")

    rows = ListedRows(ROWS, FEED.columns)
    rows.between = lambda *span: ListedRows.between(rows, *span)[::-1]  # type: ignore[method-assign]
    server.datasets[FEED.dataset] = rows
    with pytest.raises(SfPoliceError, match="gives rows of 2zdj-bwza in another order than by received_datetime"):
        run(server, tmp_path / "calls.json.gz")


def test_a_folder_that_cannot_be_written_is_said(server: OpenData, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(SfPoliceError, match="cannot write .*: a file is in"):
        run(server, tmp_path / "file" / "calls.json.gz")
