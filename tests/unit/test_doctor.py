"""Each thing that `doctor` looks at, as it is found, with its remedy. No broker, and a Java that is a fake."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from sf_police.calls import QUESTION
from sf_police.doctor import OK, TO_DO, WRONG, Finding, examine
from sf_police.spark import jars, jvm
from sf_police.store.database import open_database
from sf_police.store.writer import StoreWriter
from sf_police.stream import checkpoint, elsewhere
from sf_police.stream.filesystems import LocalFolder
from tests.support.builders import store_batch
from tests.support.environment import ROOT
from tests.support.folders import DictFolder
from tests.support.question import resolve

Look = Callable[..., dict[str, Finding]]
INSTALL_JAVA = "install Java 17 or 21, or set JAVA_HOME to one"


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of this machine that nobody listens on, for as long as the test lasts."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def look(tmp_path: Path, closed_port: int) -> Look:
    """Findings by name; nothing is there but what a test has made."""

    def findings(**settings: Any) -> dict[str, Finding]:
        given = {
            "state_dir": tmp_path / "state",
            "jars_dir": tmp_path / "jars",
            "java_home": tmp_path / "java",
            "kafka_bootstrap_servers": f"127.0.0.1:{closed_port}",
            **settings,
        }
        return {each.name: each for each in examine(resolve({k: str(v) for k, v in given.items()}), QUESTION)}

    return findings


def in_words(finding: Finding) -> str:
    return f"{finding.text}: {finding.remedy}" if finding.remedy else finding.text


def make_java(home: Path, version: str) -> None:
    """A `java` that says its version as a real one does, on standard error; of its `release` file it has none."""
    (home / "bin").mkdir(parents=True)
    program = home / "bin" / "java"
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2024-01-16' >&2\n")
    program.chmod(0o755)


def make_jars(folder: Path, names: list[str]) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"not that jar")


def listed_jars() -> list[str]:
    return re.findall(r"^[0-9a-f]{64}  (.+)$", (ROOT / "sf_police" / "spark" / "jars.sha256").read_text(), re.MULTILINE)


def make_store(tmp_path: Path, **batch: int) -> StoreWriter:
    writer = StoreWriter(open_database(f"sqlite:///{tmp_path / 'state' / 'answers.db'}", QUESTION))
    writer.database.create()
    if batch:
        store_batch(writer.database, **batch)
    return writer


def test_everything_is_looked_at_although_nothing_is_there_and_nothing_is_made(look: Look, tmp_path: Path) -> None:
    found = look()

    assert {name: finding.state for name, finding in found.items()} == {
        "Python": OK, "user": OK, "Java": WRONG, "jars": TO_DO, "disk": OK, "memory": OK, "files": OK,
        "Spark": OK, "broker": TO_DO, "topic": TO_DO, "store": TO_DO, "checkpoint": TO_DO,
    }  # fmt: skip
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("limit", "state"), [(60, WRONG), (1024, OK), (None, OK)])
def test_the_limit_of_open_files(look: Look, monkeypatch: pytest.MonkeyPatch, limit: int | None, state: str) -> None:
    monkeypatch.setattr(jvm, "most_open_files", lambda: limit)

    assert look()["files"].state == state


def test_whatever_is_not_ok_has_a_remedy(look: Look) -> None:
    assert [name for name, finding in look().items() if finding.state != OK and not finding.remedy] == []


@pytest.mark.parametrize(
    ("version", "state"),
    [("17.0.15", OK), ("21.0.2", OK), ("18.0.1", TO_DO), ("11.0.22", WRONG), ("1.8.0_402", WRONG)],
)
def test_java_by_what_it_says_of_itself(look: Look, tmp_path: Path, version: str, state: str) -> None:
    make_java(tmp_path / "java", version)

    found = look()["Java"]

    assert (found.state, found.remedy) == (state, "" if state == OK else INSTALL_JAVA)
    assert str(tmp_path / "java" / "bin" / "java") in found.text


def test_a_user_without_a_name_is_wrong_and_learns_how_to_get_one(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    def getpwuid(number: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.setattr("pwd.getpwuid", getpwuid)
    monkeypatch.setattr("os.geteuid", lambda: 12345)
    found = look()["user"]

    assert (found.state, found.text) == (WRONG, "the user id 12345 has no name, and Hadoop needs one")
    assert "/etc/passwd" in found.remedy


def test_no_java_is_wrong(look: Look, tmp_path: Path) -> None:
    found = look()["Java"]

    assert (found.state, in_words(found)) == (WRONG, f"no Java in JAVA_HOME={tmp_path / 'java'}: {INSTALL_JAVA}")


def test_jars_that_are_missing_are_counted(look: Look, tmp_path: Path) -> None:
    names = listed_jars()
    make_jars(tmp_path / "jars", names[:-2])

    found = look()["jars"]

    assert (found.state, found.text) == (WRONG, f"2 of {len(names)} jars are missing from {tmp_path / 'jars'}")
    assert "make install" in found.remedy


def test_before_the_install_the_jars_are_a_step_not_taken_yet(look: Look, tmp_path: Path) -> None:
    found = look()["jars"]

    everything = len(listed_jars())
    assert found == Finding(
        "jars", TO_DO, f"{everything} of {everything} jars are missing from {tmp_path / 'jars'}", "run `make install`"
    )


def test_a_java_that_does_not_start_is_shown_by_its_own_first_line(look: Look, tmp_path: Path) -> None:
    make_java(tmp_path / "java", "21.0.2")
    program = tmp_path / "java" / "bin" / "java"
    says = ("Picked up JAVA_TOOL_OPTIONS: -javaagent:/none.jar", "Error opening /none.jar")
    program.write_text("#!/bin/sh\n" + "".join(f"echo '{line}' >&2\n" for line in says) + "exit 1\n")

    assert look()["Java"] == Finding(
        "Java", WRONG, f"{program} does not start: Error opening /none.jar",
        f"check JAVA_TOOL_OPTIONS and JDK_JAVA_OPTIONS, or {INSTALL_JAVA}",
    )  # fmt: skip


def test_a_kafka_of_ones_own_needs_the_connectors_jars_alone(look: Look, tmp_path: Path) -> None:
    connector = [name for name in listed_jars() if not name.startswith("kafka_")]

    found = look(kafka_home=tmp_path / "kafka")["jars"]

    assert found.text == f"{len(connector)} of {len(connector)} jars are missing from {tmp_path / 'jars'}"


def test_a_jar_that_is_another_is_named(look: Look, tmp_path: Path) -> None:
    names = listed_jars()
    make_jars(tmp_path / "jars", names)

    found = look()["jars"]

    assert (found.state, found.text) == (WRONG, f"{tmp_path / 'jars' / names[0]} has the wrong checksum")
    assert "make install" in found.remedy


def test_a_broker_that_does_not_answer_and_its_topic_are_steps_not_taken_yet(look: Look, closed_port: int) -> None:
    found = look()

    remedy = "run `make kafka-start`"
    assert found["broker"] == Finding("broker", TO_DO, f"no broker at 127.0.0.1:{closed_port}", remedy)
    assert found["topic"] == Finding("topic", TO_DO, "unknown, as no broker lets this client in", remedy)


def test_a_broker_of_others_that_lets_nobody_in_is_wrong_and_its_topic_unknown(
    look: Look, tmp_path: Path, closed_port: int
) -> None:
    file = tmp_path / "client.properties"
    file.write_text("security.protocol=SSL\n")

    found = look(kafka_client_properties=file)

    assert (found["broker"].state, found["topic"].state) == (WRONG, TO_DO)
    assert found["broker"].text == f"no broker at 127.0.0.1:{closed_port} (Connection refused)"


def test_a_client_properties_file_that_cannot_be_used_is_wrong(look: Look) -> None:
    found = look(kafka_client_properties="/none/client.properties")["broker"]

    assert (found.state, "/none/client.properties cannot be read" in found.text) == (WRONG, True)


def test_no_store_is_a_step_not_taken_yet(look: Look) -> None:
    found = look()["store"]

    assert found.state == TO_DO
    assert found.text.startswith("no store at sqlite:///")
    assert "make run-stream" in found.remedy


def test_a_store_that_cannot_be_reached_is_wrong(look: Look, closed_port: int) -> None:
    found = look(store=f"postgresql+psycopg://me@127.0.0.1:{closed_port}/calls")["store"]

    assert found.state == WRONG
    assert f"127.0.0.1:{closed_port}" in found.text


@pytest.mark.parametrize(
    ("batch", "state", "text"),
    [({"read": 3, "late": 3}, OK, "0 calls counted, and the books balance"),
     ({"read": 3, "late": 2}, WRONG, "its books do not balance")],
)  # fmt: skip
def test_a_store_is_known_by_its_books(
    look: Look, tmp_path: Path, batch: dict[str, int], state: str, text: str
) -> None:
    make_store(tmp_path, **batch).database.close()

    found = look()["store"]

    assert (found.state, found.text) == (state, text)
    assert ("make reset" in found.remedy) is (state == WRONG)


def test_a_checkpoint_that_belongs_to_its_store(look: Look, tmp_path: Path) -> None:
    folder = tmp_path / "state" / "checkpoint"
    with closing(open_database(f"sqlite:///{tmp_path / 'state' / 'answers.db'}", QUESTION)) as database:
        checkpoint.adopt(LocalFolder(folder), StoreWriter(database), {"window": "30 minutes"})

    assert look()["checkpoint"] == Finding("checkpoint", OK, f"{folder} belongs to the store, window 30 minutes")


def test_a_checkpoint_that_does_not_belong_to_its_store_is_wrong(look: Look, tmp_path: Path) -> None:
    folder = tmp_path / "state" / "checkpoint"
    with closing(open_database(f"sqlite:///{tmp_path / 'state' / 'answers.db'}", QUESTION)) as database:
        checkpoint.adopt(LocalFolder(folder), StoreWriter(database), {})
        StoreWriter(database).adopt_stream("another", {})

    found = look()["checkpoint"]

    assert (found.state, found.text) == (WRONG, f"the checkpoint {folder} and the store belong to different streams")
    assert "make reset" in found.remedy


def test_a_checkpoint_without_its_store_is_refused_by_the_stream_so_nobody_is_sent_there(
    look: Look, tmp_path: Path
) -> None:
    folder = tmp_path / "state" / "checkpoint"
    with closing(open_database(f"sqlite:///{tmp_path / 'state' / 'answers.db'}", QUESTION)) as database:
        checkpoint.adopt(LocalFolder(folder), StoreWriter(database), {})
    (tmp_path / "state" / "answers.db").unlink()

    found = look()

    store = tmp_path / "state" / "answers.db"
    text = f"the checkpoint {folder} has no store that belongs to it; the store at sqlite:///{store} is empty"
    assert [(found[name].state, found[name].text) for name in ("store", "checkpoint")] == [(WRONG, text)] * 2
    for name in ("store", "checkpoint"):
        assert "make reset" in found[name].remedy
        assert "run-stream" not in found[name].remedy


def test_a_folder_that_no_stream_has_begun_in_is_a_step_not_taken_yet(look: Look, tmp_path: Path) -> None:
    folder = tmp_path / "state" / "checkpoint"
    folder.mkdir(parents=True)

    assert look()["checkpoint"] == Finding("checkpoint", TO_DO, f"none at {folder}", "run `make run-stream`")


def test_a_store_without_its_checkpoint_is_refused_by_the_stream_so_nobody_is_sent_there(
    look: Look, tmp_path: Path
) -> None:
    make_store(tmp_path, late=3).database.close()

    found = look()["checkpoint"]

    gone = f"the store has counts, but their checkpoint {tmp_path / 'state' / 'checkpoint'} is gone"
    assert (found.state, found.text) == (WRONG, gone)
    assert "make reset" in found.remedy


@pytest.fixture
def amid_a_batch(tmp_path: Path) -> Path:
    """A checkpoint's folder and its store as they never are at rest: a batch is committed that is not stored."""
    folder = LocalFolder(tmp_path / "state" / "checkpoint")
    with closing(open_database(f"sqlite:///{tmp_path / 'state' / 'answers.db'}", QUESTION)) as database:
        checkpoint.adopt(folder, StoreWriter(database), {})
    for name in ("offsets", "commits"):
        (folder.path / name).mkdir()
        (folder.path / name / "0").touch()
    return folder.path


def test_a_batch_in_progress_is_no_damage(look: Look, tmp_path: Path, amid_a_batch: Path) -> None:
    assert look()["checkpoint"].state == WRONG

    with checkpoint.exclusive(str(amid_a_batch), tmp_path / "state"):
        found = look()["checkpoint"]

    assert found == Finding("checkpoint", OK, f"{amid_a_batch} is in use by a stream, which checked it when it started")
    assert look()["checkpoint"].state == WRONG


def test_a_stream_that_starts_meanwhile_is_no_damage(
    look: Look, tmp_path: Path, amid_a_batch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare = checkpoint.stored_settings
    with ExitStack() as stream:

        def started_meanwhile(*arguments: Any) -> Any:
            stream.enter_context(checkpoint.exclusive(str(amid_a_batch), tmp_path / "state"))
            return compare(*arguments)

        monkeypatch.setattr(checkpoint, "stored_settings", started_meanwhile)

        assert look()["checkpoint"].state == OK


def test_to_look_is_not_to_lock(look: Look, tmp_path: Path, amid_a_batch: Path) -> None:
    before = sorted(tmp_path.rglob("*"))

    look()

    assert sorted(tmp_path.rglob("*")) == before
    with checkpoint.exclusive(str(amid_a_batch), tmp_path / "state"):
        pass  # nobody holds it


@pytest.mark.parametrize(("files", "state"), [({}, TO_DO), ({"metadata": "{}", "offsets/0": ""}, WRONG)])
def test_a_checkpoint_elsewhere_is_looked_at(
    look: Look, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], state: str
) -> None:
    @contextmanager
    def opened(_: object, say: object) -> Iterator[DictFolder]:
        yield DictFolder(files)

    monkeypatch.setattr(elsewhere, "checkpoint_folder", opened)
    found = look(checkpoint="hdfs://namenode/checkpoint")["checkpoint"]

    assert found.state == state
    assert "hdfs://namenode/checkpoint" in found.text


def test_the_jars_for_an_object_store_are_missed(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jars, "checksums", lambda broker: {})

    found = look(checkpoint="s3a://bucket/checkpoint")["jars"]

    assert (found.state, found.remedy) == (TO_DO, "run `make install-s3`")
