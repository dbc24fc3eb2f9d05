"""What `live` decides before it starts; the real command is run in the integration tests."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from sf_police.calls import QUESTION
from sf_police.commands import live
from sf_police.commands.own_run import own_config
from sf_police.commands.run import Run
from sf_police.config import resolve as resolve_settings
from sf_police.errors import SfPoliceError
from sf_police.produce.resume import Remaining
from sf_police.stop import Stop
from sf_police.topic.admin import Partition, Topic
from tests.support.question import event_records, resolve

TOPIC = Topic("calls", "id", "cluster", (Partition(0, 1, 1, 0, 5), Partition(1, 1, 1, 0, 4)))


def a_run(tmp_path: Path, **settings: str) -> Run:
    return Run(resolve({"state_dir": str(tmp_path), **settings}), QUESTION, Stop())


def test_nothing_of_the_main_job_is_touched(tmp_path: Path) -> None:
    config = resolve({"state_dir": str(tmp_path), "kafka_topic": "calls", "until_end": "1"})

    own = live.live_config(config, QUESTION, "20260101-120000")

    folder = tmp_path / "live" / "20260101-120000"
    assert (own.kafka_topic, own.state_dir, own.until_end) == ("calls.live.20260101-120000", folder, False)
    assert (own.store, own.checkpoint) == (f"sqlite:///{folder / 'answers.db'}", str(folder / "checkpoint"))
    assert (own.trigger, own.max_offsets_per_trigger) == ("1 second", 2_000)


def test_a_folder_of_any_name_holds_its_store(tmp_path: Path) -> None:
    config = resolve({"state_dir": str(tmp_path / "50% sure?")})

    own = live.live_config(config, QUESTION, "x")

    assert make_url(own.store).database == str(tmp_path / "50% sure?" / "live" / "x" / "answers.db")


def test_every_command_finds_a_runs_store_by_its_folder(tmp_path: Path) -> None:
    question = replace(QUESTION, defaults=replace(QUESTION.defaults, folder="taxi"))

    own = own_config(resolve({"state_dir": str(tmp_path)}), question, "drill", "x")

    again = resolve_settings({"state_dir": str(own.state_dir)}, question.defaults)
    assert (own.store, own.checkpoint) == (again.store, again.checkpoint)


def test_what_is_set_holds(tmp_path: Path) -> None:
    config = resolve({"trigger": "5 seconds", "max_offsets_per_trigger": "7"})

    own = live.live_config(config, QUESTION, "x")

    assert (own.trigger, own.max_offsets_per_trigger) == ("5 seconds", 7)


@pytest.mark.parametrize(
    ("folders", "topics", "new", "resumes"),
    [
        ([], [], False, None),
        (["20250101-000000", "20250102-000000"], ["20250101-000000", "20250102-000000"], False, "20250102-000000"),
        (["20250102-000000"], ["20250102-000000"], True, None),
        # The broker's data were deleted: a checkpoint alone is of no use.
        (["20250102-000000"], [], False, None),
    ],
)
def test_the_latest_run_is_resumed_if_its_topic_is_there(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    folders: list[str],
    topics: list[str],
    new: bool,
    resumes: str | None,
) -> None:
    for name in folders:
        (tmp_path / "live" / name).mkdir(parents=True)
    there = {f"calls.live.{name}" for name in topics}
    monkeypatch.setattr("sf_police.topic.admin.has_topic", lambda _, topic: topic in there)

    name = live.run_name(a_run(tmp_path, kafka_topic="calls"), SimpleNamespace(), new=new)

    assert name == resumes if resumes else name > max(folders, default="")


def test_a_file_that_is_named_is_never_generated(tmp_path: Path) -> None:
    run = a_run(tmp_path, data=str(tmp_path / "mistyped.json"))

    assert live.data_file(run, None) == tmp_path / "mistyped.json"
    assert live.data_file(run, "other.json") == Path("other.json")
    assert list(tmp_path.iterdir()) == []


def a_producer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, publish: Any) -> live.PacedProducer:
    @contextmanager
    def connected(*_: object) -> Any:
        yield None

    monkeypatch.setattr("sf_police.topic.sending.kafka_producer", connected)
    monkeypatch.setattr("sf_police.produce.producer.publish", publish)
    remaining = Remaining(3, [], event_records([]))
    return live.PacedProducer(a_run(tmp_path), SimpleNamespace(), TOPIC, remaining, rate=None, speed=1.0)


def test_the_stream_ends_when_it_has_counted_what_was_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    may_end = threading.Event()

    def publish(*_: object, **__: object) -> Any:
        may_end.wait(10)
        return SimpleNamespace(sent=3, acknowledged=3)

    producer = a_producer(tmp_path, monkeypatch, publish)
    with producer.running(SimpleNamespace(sending=lambda _: None)):
        before = producer.is_done(12)
        may_end.set()
    assert (before, producer.is_done(11), producer.is_done(12)) == (False, False, True)


def test_a_producer_that_fails_ends_the_stream_and_is_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def publish(*_: object, **__: object) -> Any:
        raise SfPoliceError("not acknowledged")

    producer = a_producer(tmp_path, monkeypatch, publish)
    with pytest.raises(SfPoliceError, match="not acknowledged"), producer.running(SimpleNamespace()):
        pass
    assert producer.is_done(0)


def test_when_the_stream_ends_so_does_the_producer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    is_stopped: list[Any] = []

    def paced(*_: object, **options: Any) -> Any:
        is_stopped.append(options["is_stopped"])
        return iter(())

    def publish(*_: object, **__: object) -> Any:
        while not is_stopped[0]():
            pass
        return SimpleNamespace(sent=0, acknowledged=0)

    monkeypatch.setattr("sf_police.produce.pace.paced", paced)
    producer = a_producer(tmp_path, monkeypatch, publish)
    with pytest.raises(KeyError), producer.running(SimpleNamespace()):
        raise KeyError("the stream's own error")
    assert [thread.name for thread in threading.enumerate() if thread.name == "producer"] == []
