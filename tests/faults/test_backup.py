"""docs/backup.md: its own commands, run as they are printed, on a real stream; and a pair that does not fit."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.builders import a_value
from tests.support.environment import ROOT
from tests.support.invariants import assert_exact
from tests.support.job import Job, books
from tests.support.postgresql import plain, programs, running_postgresql

PAGE = (ROOT / "docs" / "backup.md").read_text()
# What the recipes of these targets run.
MAKE = """make() {
  case "$1" in
    reset) "$PYTHON" -m sf_police reset ;;
    run-stream) SF_POLICE_UNTIL_END=1 "$PYTHON" -m sf_police stream ;;
    *) return 9 ;;
  esac
}
"""


def blocks(heading: str) -> list[str]:
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


def run_block(job: Job, block: str, **variables: str) -> str:
    """As printed, in the folder whose .run is the job's; return what it says."""
    done = subprocess.run(
        ["bash", "-c", f"set -e\n{MAKE}{block}"], env={**job.env, "PYTHONPATH": str(ROOT), **variables},
        cwd=job.state.parent, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.fixture
def here(make_job: Callable[..., Job], tmp_path: Path) -> Job:
    """A job whose state folder is .run of a folder."""
    made = make_job(partitions=1)
    return Job(made.kafka, made.topic, tmp_path / "here" / ".run")


def send(job: Job, *numbers: int) -> None:
    job.send(*(a_value(crime_id=str(number)) for number in numbers))


def refusal(job: Job) -> str:
    done = job.run("stream", "--until-end", check=False)
    assert done.returncode == 1
    [line] = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    return line


def test_sqlite(here: Job) -> None:
    backup, restore = blocks("SQLite")
    folder = here.state.parent
    send(here, 1, 2, 3)
    here.run("stream", "--until-end")
    run_block(here, backup)
    send(here, 3, 4)
    assert books(here.run("stream", "--until-end").stderr)["read"] == 5

    shutil.copy(here.state / "answers.db", folder / "newer.db")
    shutil.copy(folder / "backup" / "answers.db", here.state / "answers.db")
    line = refusal(here)
    assert "is at batch 1, its store at batch 0: one of them was changed or replaced" in line
    shutil.copy(folder / "newer.db", here.state / "answers.db")
    shutil.move(here.state / "checkpoint", folder / "newer")
    shutil.copytree(folder / "backup" / "checkpoint", here.state / "checkpoint")
    line = refusal(here)
    assert "is at batch 0, its store at batch 1: one of them was changed or replaced" in line

    assert books(run_block(here, restore)) == {"read": 5, "counted": 4, "duplicates": 1, "late": 0, "rejected": 0}
    assert_exact(here)


@pytest.fixture
def store() -> Iterator[str]:
    with running_postgresql() as server:
        yield server.url


def test_postgresql(here: Job, store: str) -> None:
    backup, restore = blocks("PostgreSQL")
    here.env["SF_POLICE_STORE"] = store
    url = {"STORE_URL": plain(store), "PATH": f"{programs()}:{here.env['PATH']}"}
    send(here, 1, 2, 3)
    here.run("stream", "--until-end")
    run_block(here, backup, **url)
    send(here, 3, 4)
    assert books(here.run("stream", "--until-end").stderr)["read"] == 5

    found = books(run_block(here, restore, **url))

    assert found == {"read": 5, "counted": 4, "duplicates": 1, "late": 0, "rejected": 0}
