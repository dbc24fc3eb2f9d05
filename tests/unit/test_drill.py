"""What `drill` decides and says; `tests/faults/test_drill.py` kills a real stream."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from sf_police.calls import QUESTION
from sf_police.commands import child, drill
from sf_police.commands.kills import Kills, kill_points
from sf_police.commands.run import Run
from sf_police.how_to import with_state_dir
from sf_police.stop import Stop
from sf_police.store.tables import Batch
from sf_police.topic.admin import Partition, Topic
from sf_police.topic.record import Record
from sf_police.view.drill import Kill
from tests.support.builders import a_batch
from tests.support.question import resolve
from tests.support.waiting import eventually


@pytest.mark.parametrize("seed", range(20))
def test_each_equal_part_of_the_topic_has_a_kill_and_the_end_has_none(seed: int) -> None:
    points = kill_points(1_000, 11_000, 3, random.Random(seed))

    assert [(point - 1_000) // 3_000 for point in points] == [0, 1, 2]


def test_a_seed_gives_the_same_moments_again() -> None:
    of = [kill_points(0, 10_000, 3, random.Random(seed)) for seed in (1, 1, 2)]

    assert of[0] == of[1] != of[2]


def a_course(*points: int) -> Kills:
    config = resolve({})
    return Kills(SimpleNamespace(), config, points, random.Random(1), records=100)  # type: ignore[arg-type]


def stored(batch_id: int, end: int) -> Batch:
    return replace(a_batch(batch_id, read=end), seconds=0.8)


def test_a_kill_is_due_up_to_a_batchs_time_after_its_point_is_reached() -> None:
    course = a_course(30)

    assert not course.is_due(None, now_s=0)
    assert not course.is_due(stored(0, 29), now_s=0)
    delay = 0.8 * random.Random(1).random()
    assert not course.is_due(stored(1, 30), now_s=5)
    assert not course.is_due(stored(2, 40), now_s=5 + delay - 0.01)
    assert course.is_due(stored(2, 40), now_s=5 + delay)


def test_no_kill_is_due_after_the_last_one() -> None:
    course = a_course(0)
    course.done.append(Kill(0.1, "…"))

    assert not course.is_due(stored(5, 100), now_s=99)


def test_after_a_kill_the_stream_first_recovers() -> None:
    course = a_course(10, 20)
    course.done.append(Kill(0.1, "…"))
    course._killed_at, course._killed_s = 3, 50.0

    course.note_recovery(stored(3, 30), now_s=55)  # replayed
    assert course.done[0].recovery_s is None
    assert not any(course.is_due(stored(3, 30), now_s=now_s) for now_s in (55, 99))

    course.note_recovery(stored(4, 40), now_s=56.5)
    course.note_recovery(stored(5, 50), now_s=60)
    assert course.done[0].recovery_s == 6.5


def record(key: bytes | None, time: str) -> Record:
    return Record(0, time, key, b"")


def test_records_are_different_by_key_and_time() -> None:
    records = [record(b"1", "a"), record(b"2", "a"), record(b"1", "a"), record(b"1", "b"), record(None, "c")]

    assert drill.distinct_records(records) == 4
    assert drill.distinct_records([]) == 0


@pytest.mark.parametrize(
    ("records", "kills", "given", "most"),
    [(199_999, 3, None, 10_000), (2_000_000, 3, None, 10_000), (240, 3, None, 12), (199_999, 10, None, 4_000),
     (5, 3, None, 1), (0, 3, None, 1), (199_999, 3, "7", 7)],
)  # fmt: skip
def test_there_are_enough_batches_for_the_kills(records: int, kills: int, given: str | None, most: int) -> None:
    config = drill._stream_config(resolve({"max_offsets_per_trigger": given}), records, kills=kills)

    assert (config.max_offsets_per_trigger, config.until_end, config.trigger) == (most, True, "0 seconds")


@pytest.mark.parametrize(
    ("folders", "topics", "end", "new", "goes_on"),
    [
        ([], [], 0, False, None),
        (["20250101-000000", "20250102-000000"], ["20250102-000000"], 10, False, "20250102-000000"),
        (["20250102-000000"], ["20250102-000000"], 0, False, "20250102-000000"),  # nothing was sent yet
        (["20250102-000000"], ["20250102-000000"], 7, False, None),  # it is done
        (["20250102-000000"], ["20250102-000000"], 10, True, None),
        (["20250102-000000"], [], 10, False, None),  # the broker's data were deleted
    ],
)
def test_an_interrupted_drill_goes_on(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    folders: list[str],
    topics: list[str],
    end: int,
    new: bool,
    goes_on: str | None,
) -> None:
    for name in folders:
        (tmp_path / "drill" / name).mkdir(parents=True)
    topic = Topic("calls", "id", "cluster", (Partition(0, 1, 1, 0, end),))
    there = {f"calls.drill.{name}" for name in topics}
    monkeypatch.setattr("sf_police.topic.admin.has_topic", lambda _, topic: topic in there)
    monkeypatch.setattr("sf_police.topic.admin.describe_topic", lambda *_: topic)
    last = stored(0, 7) if end else None
    monkeypatch.setattr("sf_police.commands.kills.WatchedStore.last_batch", lambda _: last)
    run = Run(resolve({"state_dir": str(tmp_path), "kafka_topic": "calls"}), QUESTION, Stop())

    config = drill._drill_config(run, SimpleNamespace(), new=new)  # type: ignore[arg-type]

    name = config.state_dir.name
    assert name == goes_on if goes_on else name > max(folders, default="")
    assert (config.kafka_topic, config.store) == (
        f"calls.drill.{name}", f"sqlite:///{tmp_path / 'drill' / name / 'answers.db'}",
    )  # fmt: skip


def test_a_streams_settings_are_flags() -> None:
    config = resolve({"until_end": "1", "kafka_bootstrap_servers": "a:1,b:2", "window": "1 hour"})
    names = ("kafka_bootstrap_servers", "window", "until_end", "spark_ui_port", "kafka_client_properties")

    assert child.flags(config, names) == [
        "--kafka-bootstrap-servers", "a:1,b:2", "--window", "1 hour", "--until-end",
    ]  # fmt: skip
    assert child.flags(resolve({}), ("until_end",)) == []


def test_another_folder_is_given_as_one_types_it(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path("/a b/run")

    assert with_state_dir("dashboard", folder) == "make dashboard STATE_DIR='/a b/run'"
    monkeypatch.setattr("sf_police.how_to.is_clone", lambda: False)
    assert with_state_dir("dashboard", folder).endswith(" dashboard --state-dir '/a b/run'")


# A process that starts another one, says both numbers, and ends in order when it is asked to.
PARENT = """
import signal, subprocess, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[1], "w").write(str(other.pid))
try:
    other.wait()
finally:
    other.kill()
"""


@pytest.fixture
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Makes the program one that starts another; returns what waits for that one, and its number."""
    monkeypatch.setattr(child, "program_command", lambda: [sys.executable, "-c", PARENT, str(tmp_path / "pid")])
    return lambda: eventually(lambda: int((tmp_path / "pid").read_text()), OSError, ValueError, seconds=20)


def gone(pid: int) -> None:
    # A zombie is nobody's process any more: whoever inherits it takes note of its end.
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    assert shown.stdout.strip()[:1] in ("", "Z")


def test_a_kill_takes_what_the_process_has_started(parent: Callable[[], int], tmp_path: Path) -> None:
    with child.running([], tmp_path) as running:
        other = parent()
        assert running.wait(0.01) is None
        assert running.kill()
        eventually(lambda: gone(other), AssertionError, seconds=10)
        assert (running.wait(5), running.kill()) == (-9, False)


def test_it_is_asked_to_end_when_the_context_ends_even_by_an_error(parent: Callable[[], int], tmp_path: Path) -> None:
    ended: list[child.Child] = []
    other = 0

    def interrupted() -> None:
        nonlocal other
        with child.running([], tmp_path) as running:
            other = parent()
            ended.append(running)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert ended[0].wait(0) == 7
    eventually(lambda: gone(other), AssertionError, seconds=10)


def test_what_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    deaf = (
        f"import signal, time; signal.signal(15, signal.SIG_IGN); open({str(tmp_path / 'x')!r}, 'w'); time.sleep(600)"
    )
    monkeypatch.setattr(child, "program_command", lambda: [sys.executable, "-c", deaf])
    monkeypatch.setattr(child, "_END_S", 0.2)
    with child.running([], tmp_path) as running:
        eventually((tmp_path / "x").stat, OSError, seconds=20)
    assert running.wait(0) == -9
