"""The stream as it runs, where standard error is no terminal: a line a batch, and one warning."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sf_police.calls import QUESTION
from sf_police.store.answers import StoreReader
from sf_police.store.database import open_database
from sf_police.store.tables import BatchReport
from sf_police.view import live, terminal
from tests.support.builders import a_batch


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoreReader]:
    with closing(open_database(f"sqlite:///{tmp_path / 'answers.db'}", QUESTION)) as database:
        yield StoreReader(database)


def report(batch_id: int, **numbers: int) -> BatchReport:
    return BatchReport(a_batch(batch_id, **numbers), 5, 7)


def test_each_batch_is_a_line_on_standard_error(store: StoreReader, capsys: pytest.CaptureFixture[str]) -> None:
    reports = [report(0, read=10, counted=10), report(1, read=3, duplicates=3)]

    with live.batches(store) as show:
        for each in reports:
            show(each)

    assert capsys.readouterr() == ("", "".join(f"{terminal.batch_line(each)}\n" for each in reports))


def test_late_records_are_warned_of_once_in_one_line(store: StoreReader, capsys: pytest.CaptureFixture[str]) -> None:
    with live.batches(store) as show:
        show(report(0, read=1, counted=1))
        show(report(1, read=2, late=2))
        show(report(2, read=3, late=3))

    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["batch 0", "batch 1", "warning", "batch 2"]
    assert "make produce" in lines[2]
    assert "WATERMARK" in lines[2]


def test_each_run_warns_anew(store: StoreReader, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        with live.batches(store) as show:
            show(report(0, read=2, late=2))

    assert capsys.readouterr().err.count("warning: ") == 2
