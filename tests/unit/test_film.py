"""What `film` decides before it starts anything, and what of it is left; `tests/shown/test_film.py` runs it."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sf_police import arguments
from sf_police.calls import QUESTION
from sf_police.cli import main
from sf_police.commands import film
from sf_police.commands.run import Run
from sf_police.lock import locked
from sf_police.page.film import page_of
from sf_police.page.film_picture import picture_of
from sf_police.stream.checkpoint import exclusive
from sf_police.topic import admin
from sf_police.topic.admin import Topic
from sf_police.view.film import late_line
from tests.support.films import a_film
from tests.support.question import resolve
from tests.support.stores import generated


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SF_POLICE_STATE_DIR", str(tmp_path / "state"))


@pytest.mark.parametrize(
    ("environ", "flags", "expected"),
    [
        ({}, [], (8, 800)),
        ({"SF_POLICE_PARTITIONS": "3"}, [], (3, 800)),
        ({"SF_POLICE_PARTITIONS": "3"}, ["--partitions", "5", "--max-offsets-per-trigger", "200"], (5, 200)),
    ],
)
def test_it_has_its_own_defaults_which_settings_and_flags_replace(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], flags: list[str], expected: tuple[int, int]
) -> None:
    found = []

    def see(run: Run, **_: object) -> int:
        found.append((run.config.partitions, run.config.max_offsets_per_trigger))
        return 0

    monkeypatch.setattr(arguments, "film", see)
    for name, text in environ.items():
        monkeypatch.setenv(name, text)

    assert main(["film", *flags]) == 0
    assert found == [expected]


def test_the_help_says_these_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["film", "--help"])

    shown = " ".join(capsys.readouterr().out.split())
    assert "[env: SF_POLICE_PARTITIONS, default: 8]" in shown
    assert "[env: SF_POLICE_MAX_OFFSETS_PER_TRIGGER, default: 800]" in shown


def test_a_question_without_late_records_has_no_film(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["film"], question=replace(QUESTION, drops_duplicates=False)) == 1

    assert capsys.readouterr().err == (
        "error: the question sf_police drops no record as late, so there is nothing to see\n"
    ).replace("sf_police", QUESTION.name)


def test_a_folder_of_somebody_else_is_refused_before_anything_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "file").touch()
    data = tmp_path / "calls.json"
    data.write_text("[]")

    assert main(["film", str(data), "--to", str(tmp_path / "theirs")]) == 1

    assert "holds something else, and is left as it is" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "theirs").iterdir()] == ["file"]


def test_the_folder_is_gone_in_the_end_also_after_an_error_and_others_stay(tmp_path: Path) -> None:
    other = tmp_path / "film" / "other"
    other.mkdir(parents=True)
    own = tmp_path / "film" / "own"

    with pytest.raises(FileNotFoundError), film._own_folder(own):
        Path(own / "checkpoint" / "deep").mkdir()

    assert list((tmp_path / "film").iterdir()) == [other]
    other.rmdir()
    with film._own_folder(own):
        assert own.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_already_is_not_taken_over(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()

    with pytest.raises(film.SfPoliceError, match="cannot create the folder"), film._own_folder(tmp_path / "own"):
        pass

    assert (tmp_path / "own").is_dir()


@pytest.mark.parametrize("is_new", [True, False])
def test_only_a_topic_that_was_made_here_is_deleted(monkeypatch: pytest.MonkeyPatch, is_new: bool) -> None:
    topic, deleted = Topic("name", "id", "cluster", ()), list[Topic]()
    monkeypatch.setattr(admin, "create_topic", lambda *_, **__: is_new)
    monkeypatch.setattr(admin, "describe_topic", lambda *_, **__: topic)
    monkeypatch.setattr(admin, "delete_topic", lambda _, given: deleted.append(given))
    config = SimpleNamespace(kafka_topic="name", partitions=8)

    with ExitStack() as stack:
        stack.enter_context(pytest.raises(KeyboardInterrupt if is_new else film.SfPoliceError))
        with film._own_topic(SimpleNamespace(), config):  # type: ignore[arg-type]
            raise KeyboardInterrupt

    assert deleted == ([topic] if is_new else [])


def test_what_a_killed_film_has_left_is_removed_and_a_running_ones_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    films, deleted = tmp_path / "film", list[str]()
    for name in ("killed.by-key", "running.by-key", "somebody"):
        (films / name / "checkpoint").mkdir(parents=True)
    (films / "killed.by-key.lock").touch()
    monkeypatch.setattr(admin, "has_topic", lambda _, name: name == "calls.film.killed.by-key")
    monkeypatch.setattr(admin, "describe_topic", lambda _, name: Topic(name, "id", "cluster", ()))
    monkeypatch.setattr(admin, "delete_topic", lambda _, topic: deleted.append(topic.name))
    run: Any = SimpleNamespace(config=resolve({"state_dir": str(tmp_path), "kafka_topic": "calls"}), question=QUESTION)

    with locked(films / "running.by-key.lock", "", remedy=""):
        film._remove_left(run, SimpleNamespace())  # type: ignore[arg-type]

    assert deleted == ["calls.film.killed.by-key"]
    assert sorted(path.name for path in films.iterdir()) == ["running.by-key", "somebody"]
    assert capsys.readouterr().err == (
        "removed what a film that was killed had left: the topic calls.film.killed.by-key and its folder\n"
    )


def test_a_killed_films_stream_that_still_runs_keeps_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "film" / "killed.by-key"
    folder.mkdir(parents=True)
    (tmp_path / "film" / "killed.by-key.lock").touch()
    run: Any = SimpleNamespace(config=resolve({"state_dir": str(tmp_path)}), question=QUESTION)

    with exclusive(str(folder / "checkpoint"), folder):
        film._remove_left(run, SimpleNamespace())  # type: ignore[arg-type]

    assert folder.exists()


def test_what_the_ways_came_to_is_printed_and_the_film_is_in_the_reports_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = generated(600)
    data = tmp_path / "mine.json"
    data.write_text(json.dumps(calls))
    made = a_film(calls, partitions=8, offsets=40)
    ways = {each.way: each for each in made.ways}
    monkeypatch.setattr(film, "_run_way", lambda _run, _access, _path, way: ways[way])

    assert main(["film", str(data), "--max-offsets-per-trigger", "40"]) == 0

    printed = capsys.readouterr()
    folder = tmp_path / "state" / "report"
    assert printed.out.splitlines() == [*(late_line(way, QUESTION) for way in made.ways), str(folder / "film.html")]
    assert printed.err.splitlines() == [
        "way 1 of 3: as the file stands, newest first",
        "way 2 of 3: by event time, partitions by key",
        "way 3 of 3: by event time, partitions in turn",
    ]
    of_mine = replace(made, source="mine.json")
    assert (folder / "film.html").read_text("utf-8") == page_of(of_mine)
    assert (folder / "film.svg").read_text("utf-8") == picture_of(of_mine)
    assert (folder / ".sf-police-report").exists()
