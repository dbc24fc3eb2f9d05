"""No space: one clear line, and once there is room again the run converges. Needs root, for a small file system."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.brokers import Brokers
from tests.support.fault_table import fault
from tests.support.invariants import assert_exact, in_order
from tests.support.job import Job, see_through


def mount(path: Path, *options: str) -> bool:
    return subprocess.run(["mount", *options, "tmpfs", str(path)], capture_output=True, check=False).returncode == 0


@pytest.fixture(params=["3m"])
def small(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A file system of 3 MB, or of the size in the parameter."""
    path = tmp_path / "small"
    path.mkdir()
    if os.geteuid() != 0 or not mount(path, "-t", "tmpfs", "-o", f"size={request.param}"):
        pytest.skip("a small file system takes root, and the right to mount")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


@pytest.mark.parametrize(
    ("small", "what", "message"),
    [("3m", "store", "database or disk is full"), ("1m", "checkpoint", "no space left")],
    indirect=["small"],
)
def test_the_disk_is_full_and_then_it_is_not(
    make_job: Callable[..., Job], small: Path, what: str, message: str
) -> None:
    job = make_job()
    job.run("generate", "--calls", "60000")
    job.run("produce")
    store = small / "answers.db" if what == "store" else job.state / "answers.db"
    checkpoint = small / "checkpoint" if what == "checkpoint" else job.state / "checkpoint"
    settings = {"STORE": f"sqlite:///{store}", "CHECKPOINT": str(checkpoint), "MAX_OFFSETS_PER_TRIGGER": "9000"}

    full = job.run("stream", "--until-end", check=False, **settings)
    assert full.returncode == 1
    assert message in full.stderr.splitlines()[-1]
    assert "batch 0: " in full.stderr
    assert mount(small, "-o", "remount,size=300m")
    with fault(f"no space for the {what}, then there is", "refused in one line; then exact"):
        job.run("stream", "--until-end", **settings)

    if what == "store":
        os.symlink(store, job.state / "answers.db")
    assert assert_exact(job)["read"] == 60_000


def test_no_space_for_the_generated_file(small: Path, tmp_path: Path) -> None:
    job = Job("localhost:1", "none", tmp_path / "state")

    full = job.run("generate", check=False, DATA=str(small / "calls.json"))

    assert full.returncode == 1
    assert full.stderr == f"error: cannot write {small / 'calls.json'}: No space left on device\n"
    assert list(small.iterdir()) == []


@pytest.mark.parametrize("small", ["8m"], indirect=True)
def test_the_brokers_disk_is_full_and_then_it_is_not(small: Path, tmp_path: Path) -> None:
    brokers = Brokers(small, 1)
    job = Job(brokers.servers, "calls", tmp_path / "job")
    job.run("generate")
    try:
        brokers.start()
        job.run("create-topic")
        producing = job.start("produce")
        brokers.wait_for_death()
        assert mount(small, "-o", "remount,size=300m")
        with fault("no space for the broker, then there is, and it is started again", "nothing acknowledged is lost"):
            brokers.start()
            see_through(job, producing, "produce", timeout=200)
        in_order(job, job.state / "calls.json")
        job.run("stream", "--until-end")
        assert assert_exact(job)["read"] == 199_999
    finally:
        brokers.stop()
