"""`stream --dry-run`: says what a start checks, and leaves the folder, the store and the topic as they are."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sf_police.topic import admin, clients
from tests.support.builders import a_value
from tests.support.job import Job, books
from tests.support.question import resolve
from tests.support.waiting import wait_for_line

CHECKS = [
    "settings", "Python", "user", "Java", "jars", "disk", "memory", "files", "Spark", "ports", "topic", "store",
    "checkpoint", "master",
]  # fmt: skip


def everything(job: Job) -> tuple[object, ...]:
    """Each file and folder of the state, to the byte, and the topic."""
    files = {path: path.read_bytes() if path.is_file() else None for path in job.state.rglob("*")}
    access = clients.kafka_access(resolve({"kafka_bootstrap_servers": job.kafka}))
    topic = admin.describe_topic(access, job.topic)
    return job.state.exists(), files, topic.partitions, topic.topic_id


def rehearse(job: Job, **settings: str) -> dict[str, tuple[str, str]]:
    """Each check's state and text; nothing has changed by it, and the exit code is what they say."""
    before = everything(job)

    done = job.run("stream", "--dry-run", check=False, **settings)

    assert everything(job) == before
    assert done.stderr == ""
    found = {}
    for line in done.stdout.splitlines():
        name, _, text = line[7:].partition(": ")
        found[name] = (line[:5].strip(), text)
    assert list(found) == CHECKS
    assert done.returncode == any(state == "wrong" for state, _ in found.values())
    return found


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_before_the_first_start_and_after_it(job: Job) -> None:
    new = rehearse(job)
    assert {state for state, _ in new.values()} == {"ok", "to do"}
    assert new["topic"] == ("to do", f"{job.topic} is empty -> run `make produce`")
    assert new["store"][1].endswith("answers.db would be made")
    assert new["checkpoint"] == ("ok", f"{job.state / 'checkpoint'} would be made")

    job.send(*(a_value(crime_id=str(n)) for n in range(3)))
    assert books(job.run("stream", "--until-end", MAX_OFFSETS_PER_TRIGGER="2").stderr)["counted"] == 3

    resumed = rehearse(job)
    assert {state for state, _ in resumed.values()} == {"ok"}
    assert resumed["store"][1].startswith("3 calls counted in the store at sqlite:///")
    assert resumed["checkpoint"][1] == f"{job.state / 'checkpoint'} belongs to the store, at micro-batch 1"
    assert books(job.run("stream", "--until-end").stderr)["counted"] == 3


def test_what_would_stop_a_start_is_wrong(job: Job, taken: int, tmp_path: Path) -> None:
    found = rehearse(
        job, METRICS_PORT=str(taken), JARS_DIR=str(tmp_path), SPARK_MASTER=f"spark://127.0.0.1:{taken}",
        CHECKPOINT=f"file://{tmp_path}",
    )  # fmt: skip

    assert [name for name, (state, _) in found.items() if state == "wrong"] == ["jars", "ports"]
    assert found["ports"][1].startswith(f"cannot serve the metrics at port {taken}: Address already in use")
    assert found["jars"][1].startswith("no jars of Spark's Kafka connector in")
    assert found["master"] == ("ok", f"spark://127.0.0.1:{taken} answers")

    missing = rehearse(job, SPARK_MASTER="spark://127.0.0.1:1", SPARK_UI_PORT=str(taken))
    assert missing["master"][0] == "wrong"
    assert "no Spark master answers at spark://127.0.0.1:1 (Connection refused)" in missing["master"][1]
    assert missing["ports"] == (
        "to do", f"no METRICS_PORT; SPARK_UI_PORT={taken} is taken, so Spark would use the next one that is free"
    )  # fmt: skip


def test_settings_that_a_start_refuses(job: Job) -> None:
    found = rehearse(job, SPARK_CONF="spark.sql.shuffle.partitions=7")

    assert found["settings"][0] == "wrong"
    assert "spark.sql.shuffle.partitions" in found["settings"][1]


def test_a_topic_that_is_not_there(job: Job) -> None:
    done = job.run("stream", "--dry-run", "--kafka-topic", "another", check=False)

    lines = {line[7:].partition(": ")[0]: line for line in done.stdout.splitlines()}
    assert done.returncode == 1
    assert lines["topic"].startswith("wrong  topic: no topic another at ")
    assert lines["checkpoint"].startswith("to do  checkpoint: not compared")


def test_beside_a_running_stream(make_job: Callable[..., Job]) -> None:
    job = make_job(partitions=1)
    job.send(a_value())
    first = job.start("stream")
    try:
        wait_for_line(first, "batch 0")

        done = job.run("stream", "--dry-run", check=False)

        assert done.returncode == 1
        assert "wrong  store: a stream is running into the store at sqlite:///" in done.stdout
        assert "wrong  checkpoint: another stream is running on the checkpoint" in done.stdout
    finally:
        end(first)


def end(stream: subprocess.Popen[str]) -> None:
    stream.send_signal(signal.SIGTERM)
    stream.communicate(timeout=60)
