"""The stream as it runs: where standard error is no terminal a line a batch, and one warning; else frames."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from sf_police.calls import QUESTION
from sf_police.store.answers import StoreReader
from sf_police.store.database import open_database
from sf_police.store.tables import BatchReport
from sf_police.view import live, terminal
from tests.support.builders import a_batch, store_batch
from tests.support.question import resolve


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoreReader]:
    with closing(open_database(f"sqlite:///{tmp_path / 'answers.db'}", QUESTION)) as database:
        yield StoreReader(database)


def report(batch_id: int, **numbers: int) -> BatchReport:
    return BatchReport(replace(a_batch(batch_id, **numbers), lag=5, state_rows=7))


def test_each_batch_is_a_line_on_standard_error(store: StoreReader, capsys: pytest.CaptureFixture[str]) -> None:
    reports = [report(0, read=10, counted=10), report(1, read=3, duplicates=3)]

    with live.batches(store, resolve({})) as show:
        for each in reports:
            show(each)

    assert capsys.readouterr() == ("", "".join(f"{terminal.batch_line(each)}\n" for each in reports))


def test_late_records_are_warned_of_once_in_one_line(store: StoreReader, capsys: pytest.CaptureFixture[str]) -> None:
    with live.batches(store, resolve({})) as show:
        show(report(0, read=1, counted=1))
        show(report(1, read=2, late=2))
        show(report(2, read=3, late=3))

    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["batch 0", "batch 1", "warning", "batch 2"]
    assert "make produce" in lines[2]
    assert "WATERMARK" in lines[2]


def test_each_run_warns_anew(store: StoreReader, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        with live.batches(store, resolve({})) as show:
            show(report(0, read=2, late=2))

    assert capsys.readouterr().err.count("warning: ") == 2


def test_a_terminal_that_cannot_be_drawn_on_gets_lines(
    store: StoreReader, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)

    with live.batches(store, resolve({})) as show:
        show(report(0, read=10, counted=10))

    assert capsys.readouterr().err == f"{terminal.batch_line(report(0, read=10, counted=10))}\n"


def test_a_terminal_gets_frames_that_are_gone_at_the_end(store: StoreReader, monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(file=io.StringIO(), width=120, height=30, force_terminal=True, color_system=None)
    monkeypatch.setattr(live, "can_draw", lambda: True)
    monkeypatch.setattr(live, "Console", lambda **_: console)
    row = ("2018-10-12 14:00", "2018-10-12 14:30", "Traffic Stop", "Handled", 12_345)
    store.database.create()
    batch = report(0, read=12_345, counted=12_345)
    store_batch(store.database, [row])

    with live.batches(store, resolve({})) as show:
        show(batch)
        frame = console.file.getvalue().rpartition("\x1b[J")[2]  # type: ignore[attr-defined]

    assert "waiting for the first batch" in console.file.getvalue()  # type: ignore[attr-defined]
    assert "12,345" in frame
    assert f"topic {resolve({}).kafka_topic}" in frame
    assert console.file.getvalue().endswith("\x1b[J")  # type: ignore[attr-defined]


def test_what_is_counted_is_known_from_the_store_and_from_each_batch(store: StoreReader) -> None:
    store.database.create()
    store_batch(store.database, duplicates=7)

    with live.batches(store, resolve({})) as show:
        before = show.counted_to
        show(report(1, start=7, read=5, counted=5))

    assert (before, show.counted_to) == (7, 12)


def test_lines_of_the_producer_come_now_and_then(
    store: StoreReader, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: now[0])

    with live.batches(store, resolve({})) as show:
        for now[0] in (9.0, 10.0, 15.0, 20.0):
            show.sending(f"producer: {now[0]:.0f}")

    assert capsys.readouterr().err.splitlines() == ["producer: 10", "producer: 20"]


def test_a_low_terminal_has_fewer_windows_and_keeps_the_headings(
    store: StoreReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = Console(file=io.StringIO(), width=80, height=14, force_terminal=True, color_system=None)
    monkeypatch.setattr(live, "can_draw", lambda: True)
    monkeypatch.setattr(live, "Console", lambda **_: console)
    rows = [(f"2018-10-12 {n}:00", f"2018-10-12 {n}:30", "Traffic Stop", "Handled", 1) for n in range(10, 20)]
    store.database.create()
    store_batch(store.database, rows)

    with live.batches(store, resolve({})) as show:
        show(report(0, read=10, counted=10))
        frame = console.file.getvalue().rpartition("\x1b[J")[2].splitlines()  # type: ignore[attr-defined]

    assert len(frame) <= 13
    assert frame[0].startswith("┏")
    assert [line[2:18] for line in frame if line.startswith("│")][0] == "2018-10-12 19:00"
