"""spark-submit on a standalone master, asked to end, and with settings that contradict it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.invariants import assert_again_changes_nothing, assert_exact
from tests.support.job import Job, books, processes_of
from tests.support.records import some_records
from tests.support.submit import Submit, standalone_master
from tests.support.waiting import eventually
from tests.support.wheel import built_wheel

LOCAL = ["--master", "local[2]"]
SMALL = {"MAX_OFFSETS_PER_TRIGGER": "100"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built once."""
    return built_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def submit(job: Job, wheel: Path) -> Submit:
    some_records(job)
    return Submit(job, wheel)


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with standalone_master(tmp_path_factory.mktemp("master") / "master") as url:
        yield url


@pytest.mark.parametrize("state_store", ["memory", "rocksdb"])
def test_executors_of_a_standalone_master_count_exactly(submit: Submit, master: str, state_store: str) -> None:
    options = ["--master", master, "--jars", submit.jars, "--executor-memory", "512m"]
    options += ["--conf", "spark.sql.streaming.stateStore.minDeltasForSnapshot=2"]
    options += ["--conf", "spark.sql.streaming.stateStore.maintenanceInterval=500ms"]

    done = submit.run("stream", "--until-end", options=options, STATE_STORE=state_store, **SMALL)

    assert done.returncode == 0, done.stdout + done.stderr
    snapshots = {"memory": "*.snapshot", "rocksdb": "*.zip"}
    assert list((submit.job.state / "checkpoint" / "state").rglob(snapshots[state_store]))
    assert books(done.stdout) == assert_exact(submit.job)
    # The command resumes what a submit has begun.
    submit.job.env["SF_POLICE_STATE_STORE"] = state_store
    assert_again_changes_nothing(submit.job)


@pytest.mark.parametrize("state_store", ["memory", "rocksdb"])
def test_a_checkpoint_on_another_file_system(submit: Submit, tmp_path: Path, state_store: str) -> None:
    # Hadoop's own viewfs: no folder of this machine by its name, and reached by Spark alone.
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    options = [*LOCAL, "--jars", submit.jars]
    options += ["--conf", f"spark.hadoop.fs.viewfs.mounttable.c.link./data={mounted.as_uri()}"]
    settings = {"STATE_STORE": state_store, "CHECKPOINT": "viewfs://c/data/checkpoint", **SMALL}

    first = submit.run("stream", "--until-end", options=options, **settings)
    submit.job.send(b"junk")
    again = submit.run("stream", "--until-end", options=options, **settings)

    assert first.returncode == again.returncode == 0, first.stdout + again.stdout
    assert "resuming from the checkpoint viewfs://c/data/checkpoint" in again.stdout
    assert books(again.stdout) == assert_exact(submit.job)
    assert (mounted / "checkpoint" / "commits" / "0").exists()


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C, to the whole group", "SIGTERM, to the JVM alone"]
)
def test_a_submit_that_is_asked_to_end_leaves_nothing_and_goes_on_exactly(
    submit: Submit, tmp_path: Path, number: signal.Signals
) -> None:
    log, options = tmp_path / "log", [*LOCAL, "--jars", submit.jars]
    process = submit.start("stream", options=options, log=log, **SMALL)

    def has_begun() -> None:
        assert "batch " in log.read_text() or process.poll() is not None

    eventually(has_begun, AssertionError, seconds=280)
    assert process.poll() is None, log.read_text()
    # As a terminal sends Ctrl-C: to the whole group. A cluster's SIGTERM goes to the JVM alone.
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    assert process.wait(180) == 128 + number

    def is_alone() -> None:
        assert processes_of(process.pid) == []

    eventually(is_alone, AssertionError, seconds=180)
    assert "Traceback" not in log.read_text()
    done = submit.run("stream", "--until-end", options=options, **SMALL)
    assert done.returncode == 0, done.stdout + done.stderr
    assert books(done.stdout) == assert_exact(submit.job)


def test_a_master_that_is_not_the_submits_is_refused(submit: Submit) -> None:
    done = submit.run("stream", "--spark-master", "local[1]", options=[*LOCAL, "--jars", submit.jars])

    assert done.returncode == 2
    assert done.stdout.splitlines()[-1] == (
        "error: --spark-master local[1] is not spark-submit's master, local[2]: name it by spark-submit's --master "
        "alone"
    )


def test_a_master_that_does_not_answer_is_one_line(submit: Submit) -> None:
    options = ["--master", "spark://127.0.0.1:9", "--jars", submit.jars]

    done = submit.run("stream", "--until-end", options=options)

    assert done.returncode == 1, done.stdout
    assert done.stdout.splitlines()[-1] == (
        "error: Spark did not start: Spark's master does not answer: check SPARK_MASTER"
    )
    assert "Traceback" not in done.stdout


def test_the_other_commands_work_in_a_submit(submit: Submit) -> None:
    options = [*LOCAL, "--jars", submit.jars]
    done = submit.run("doctor", options=options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok     jars: spark-submit has the Kafka connector\n" in done.stdout
    submit.job.run("stream", "--until-end")

    answered = submit.run("answer", "--format", "json", options=LOCAL)

    assert answered.returncode == 0, answered.stdout + answered.stderr
    assert answered.stdout == submit.job.run("answer", "--format", "json").stdout
    refused = submit.run("drill", options=options)
    assert refused.stdout == "error: a drill kills streams that it starts itself: run it without spark-submit\n"
