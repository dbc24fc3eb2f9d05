"""The stream as it runs: where standard error is no terminal a line a batch, and one warning; else frames."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from rich.console import Console

from sf_police.calls import QUESTION
from sf_police.errors import LostStoreError
from sf_police.store.answers import StoreReader
from sf_police.store.database import open_database
from sf_police.store.tables import BatchReport
from sf_police.topic.admin import Partition, Topic
from sf_police.view import live, terminal
from tests.support.builders import a_batch, store_batch
from tests.support.question import resolve


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoreReader]:
    with closing(open_database(f"sqlite:///{tmp_path / 'answers.db'}", QUESTION)) as database:
        yield StoreReader(database)


def a_topic(*spans: tuple[int, int]) -> Topic:
    """With partitions that hold these offsets."""
    return Topic("calls", "id", "cluster", tuple(Partition(n, 1, 1, *span) for n, span in enumerate(spans)))


TOPIC = a_topic((0, 100))


def report(batch_id: int, **numbers: int) -> BatchReport:
    return BatchReport(replace(a_batch(batch_id, **numbers), lag=5, state_rows=7))


def last_frame(console: Console) -> list[str]:
    frame = console.file.getvalue().rpartition("\x1b[J")[2]  # type: ignore[attr-defined]
    return str(frame).removesuffix("\x1b[?2026l").splitlines()


def test_each_batch_is_a_line_on_standard_error(store: StoreReader, capsys: pytest.CaptureFixture[str]) -> None:
    reports = [report(0, read=10, counted=10), report(1, read=3, duplicates=3)]

    with live.batches(store, resolve({}), TOPIC) as show:
        for each in reports:
            show(each)

    assert capsys.readouterr() == ("", "".join(f"{terminal.batch_line(each)}\n" for each in reports))


def test_late_records_are_warned_of_once_in_one_line(store: StoreReader, capsys: pytest.CaptureFixture[str]) -> None:
    with live.batches(store, resolve({}), TOPIC) as show:
        show(report(0, read=1, counted=1))
        show(report(1, read=2, late=2))
        show(report(2, read=3, late=3))

    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["batch 0", "batch 1", "warning", "batch 2"]
    assert "make produce" in lines[2]
    assert "WATERMARK" in lines[2]


def test_each_run_warns_anew(store: StoreReader, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        with live.batches(store, resolve({}), TOPIC) as show:
            show(report(0, read=2, late=2))

    assert capsys.readouterr().err.count("warning: ") == 2


def test_a_terminal_that_cannot_be_drawn_on_gets_lines(
    store: StoreReader, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)

    with live.batches(store, resolve({}), TOPIC) as show:
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

    with live.batches(store, resolve({}), TOPIC) as show:
        show(batch)
        frame = "\n".join(last_frame(console))

    assert "waiting for the first batch" in console.file.getvalue()  # type: ignore[attr-defined]
    assert "12,345" in frame
    assert f"topic     {resolve({}).kafka_topic}" in frame
    assert console.file.getvalue().endswith("\x1b[J")  # type: ignore[attr-defined]


def test_a_store_that_is_lost_after_a_batch_is_shown_as_of_the_batch_before(
    store: StoreReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = Console(file=io.StringIO(), width=120, height=30, force_terminal=True, color_system=None)
    monkeypatch.setattr(live, "can_draw", lambda: True)
    monkeypatch.setattr(live, "Console", lambda **_: console)
    store.database.create()
    store_batch(store.database, [("2018-10-12 14:00", "2018-10-12 14:30", "Traffic Stop", "Handled", 12_345)])

    def lost(_: int) -> None:
        raise LostStoreError("the store is away")

    with live.batches(store, resolve({}), TOPIC) as show:
        monkeypatch.setattr(store, "newest_windows", lost)
        show(replace(report(1), batch=replace(a_batch(1), lag=0)))

        assert "12,345" in "\n".join(last_frame(console))


def test_what_is_counted_is_known_from_the_store_and_from_each_batch(store: StoreReader) -> None:
    store.database.create()
    store_batch(store.database, duplicates=7)

    with live.batches(store, resolve({}), TOPIC) as show:
        before = show.counted_to
        show(report(1, start=7, read=5, counted=5))

    assert (before, show.counted_to) == (7, 12)


def test_lines_of_the_producer_come_now_and_then(
    store: StoreReader, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: now[0])

    with live.batches(store, resolve({}), TOPIC) as show:
        for now[0] in (9.0, 10.0, 15.0, 20.0):
            show.sending(f"{now[0]:.0f}")

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

    with live.batches(store, resolve({}), TOPIC) as show:
        show(report(0, read=10, counted=10))
        frame = last_frame(console)

    assert len(frame) <= 13
    assert frame[0].startswith("┏")
    assert [line[2:18] for line in frame if line.startswith("│")][0] == "2018-10-12 19:00"


def test_a_terminal_without_room_for_windows_has_the_rest(store: StoreReader, monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(file=io.StringIO(), width=80, height=12, force_terminal=True, color_system=None)
    monkeypatch.setattr(live, "can_draw", lambda: True)
    monkeypatch.setattr(live, "Console", lambda **_: console)
    store.database.create()
    store_batch(store.database, [("2018-10-12 14:00", "2018-10-12 14:30", "Fire", "Handled", 1)])

    with live.batches(store, resolve({}), TOPIC) as show:
        show(report(1, start=1, read=1, counted=1))
        frame = last_frame(console)

    assert [line.split()[0] for line in frame] == ["topic", "events", "store", "this", "batch", "speed", "now"]


def test_a_screen_is_filled_with_windows(store: StoreReader, monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(file=io.StringIO(), width=120, height=24, force_terminal=True, color_system=None)
    monkeypatch.setattr(live, "can_draw", lambda: True)
    monkeypatch.setattr(live, "Console", lambda **_: console)
    store.database.create()
    store_batch(
        store.database, [(f"2018-10-12 {n}:00", f"2018-10-12 {n}:30", "Fire", "Handled", 1) for n in range(10, 24)]
    )

    with live.batches(store, resolve({}), TOPIC) as show:
        show(report(1, start=14, read=1, counted=1))
        frame = last_frame(console)

    assert len(frame) == 23


def test_a_run_begins_with_what_the_store_has(store: StoreReader) -> None:
    store.database.create()
    store_batch(store.database, [("2018-10-12 14:00", "2018-10-12 14:30", "Fire", "Handled", 5)], duplicates=2)
    last = store_batch(store.database, [("2018-10-12 14:30", "2018-10-12 15:00", "Fire", "Handled", 3)], late=1)

    state = live.initial_state(store, resolve({"until_end": "1"}), a_topic((0, 50)), now_s=7)

    assert state.totals == {"read": 11, "counted": 8, "duplicates": 2, "late": 1, "rejected": 0}
    assert (state.last_batch_id, state.begins, state.counted_to, state.ends) == (1, 0, 11, 50)
    assert [row["calls"] for row in state.windows] == [3, 5]
    assert (state.watermark, state.run_read, state.began_s) == (datetime(2018, 10, 12, 14, 20), 0, 7)
    assert last.watermark == datetime(2018, 10, 12, 14)


@pytest.mark.parametrize(
    ("settings", "begins", "ends"),
    [
        ({"until_end": "1"}, 30, 100),
        ({"until_end": "1", "starting_offsets": "latest"}, 100, 100),
        ({}, 30, None),
    ],
)
def test_a_new_store_begins_where_the_stream_does(
    store: StoreReader, settings: dict[str, str], begins: int, ends: int | None
) -> None:
    state = live.initial_state(store, resolve(settings), a_topic((10, 40), (20, 60)), now_s=0)

    assert (state.begins, state.counted_to, state.ends) == (begins, begins, ends)


def test_a_line_says_how_far_a_run_with_an_end_is(store: StoreReader, capsys: pytest.CaptureFixture[str]) -> None:
    each = BatchReport(replace(a_batch(read=40, counted=40), lag=60))

    with live.batches(store, resolve({"until_end": "1"}), TOPIC) as show:
        show(each)

    assert capsys.readouterr().err == f"{terminal.batch_line(each)}; 40 of 100 records (40 %)\n"
