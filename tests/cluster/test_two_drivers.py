"""Two drivers on the same checkpoint and store, from machines of their own: the second one is refused at its start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.builders import a_value
from tests.support.job import Job
from tests.support.postgresql import PostgreSQL, running_postgresql
from tests.support.waiting import wait_for_line

# Of a file system that Spark alone knows, as HDFS is: a link to a folder.
REMOTE = "viewfs://shared/folder/checkpoint"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with running_postgresql() as server:
        yield server


def refused(job: Job, state: Path) -> str:
    done = job.run("stream", "--until-end", check=False, STATE_DIR=str(state))
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    return line


def refused_beside_another(job: Job, tmp_path: Path, settings: dict[str, str]) -> str:
    """Run a stream, and another one with another STATE_DIR beside it; return how that is refused."""
    job.env.update({f"SF_POLICE_{name}": text for name, text in settings.items()})
    job.send(a_value())
    stream = job.start("stream", STATE_DIR=str(tmp_path / "first"))
    wait_for_line(stream, "batch 0")
    try:
        line = refused(job, tmp_path / "second")
    finally:
        stream.terminate()
        stream.communicate(timeout=60)
    return line


def see_two_drivers(job: Job, tmp_path: Path, settings: dict[str, str]) -> str:
    """Run a stream; return how a second one, with another STATE_DIR, is refused beside it."""
    line = refused_beside_another(job, tmp_path, settings)
    # It was the other stream that was in the way, and nothing else.
    done = job.run("stream", "--until-end", STATE_DIR=str(tmp_path / "second"))
    assert "resuming from the checkpoint" in done.stderr
    return line


def a_remote_checkpoint(folder: Path) -> dict[str, str]:
    folder.mkdir()
    link = f"spark.hadoop.fs.viewfs.mounttable.shared.link./folder=file://{folder}"
    return {"CHECKPOINT": REMOTE, "SPARK_CONF": link}


def test_a_checkpoint_on_this_machine_is_locked_beside_it(job: Job, tmp_path: Path) -> None:
    settings = {"CHECKPOINT": str(tmp_path / "shared"), "STORE": f"sqlite:///{tmp_path}/one.db"}

    assert see_two_drivers(job, tmp_path, settings) == (
        f"error: another stream is running on the checkpoint {tmp_path}/shared: stop it, or set STATE_DIR to another "
        "folder (and CHECKPOINT and STORE, if they are set)"
    )


def test_with_a_checkpoint_elsewhere_a_file_is_locked_as_the_store(job: Job, tmp_path: Path) -> None:
    settings = {**a_remote_checkpoint(tmp_path / "remote"), "STORE": f"sqlite:///{tmp_path}/one.db"}

    assert see_two_drivers(job, tmp_path, settings).startswith(
        f"error: a stream is running into the store at sqlite:///{tmp_path}/one.db: stop it"
    )


def test_with_a_checkpoint_elsewhere_postgresql_is_locked_as_the_store(
    server: PostgreSQL, job: Job, tmp_path: Path
) -> None:
    settings = {**a_remote_checkpoint(tmp_path / "remote"), "STORE": server.url}

    assert see_two_drivers(job, tmp_path, settings).startswith(
        f"error: a stream is running into the store at {server.url} (schema sf_police): stop it"
    )


def test_a_checkpoint_elsewhere_is_not_given_to_another_store(job: Job, tmp_path: Path) -> None:
    line = refused_beside_another(job, tmp_path, a_remote_checkpoint(tmp_path / "remote"))

    assert line.startswith(f"error: the checkpoint {REMOTE} has no store that belongs to it")
