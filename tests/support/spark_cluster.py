"""A Spark cluster on loopback by the scripts, whose workers a test may kill."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.brokers import free_ports, run_script
from tests.support.environment import clean_environment, variables
from tests.support.job import Job
from tests.support.waiting import eventually


class SparkCluster:
    """A master and its workers of one core each, with a state folder and ports of their own."""

    def __init__(self, state: Path, workers: int = 2, memory: str = "1g") -> None:
        self.state = state
        self.env = clean_environment(STATE_DIR=str(state), SF_POLICE_SPARK_START_TIMEOUT="120")
        self.port = free_ports(2 * workers + 2)
        self.options = ["--workers", str(workers), "--memory", memory, "--port", str(self.port)]
        self.url = f"spark://127.0.0.1:{self.port}"

    def start(self) -> subprocess.CompletedProcess[str]:
        return run_script("spark-start.sh", self.env, *self.options)

    def stop(self) -> subprocess.CompletedProcess[str]:
        return run_script("spark-stop.sh", self.env)

    def pid(self, server: str) -> int:
        return int((self.state / "spark" / server / "spark.pid").read_text())

    def pids(self) -> list[int]:
        """All processes: the master, its workers and their executors."""
        names = [path.name for path in (self.state / "spark").glob("worker-*")]
        workers = [pid for name in names for pid in (self.pid(name), *self.executors(int(name[-1])))]
        return [self.pid("master"), *workers]

    def executors(self, worker: int) -> list[int]:
        """The processes that a worker has started."""
        return children_of(self.pid(f"worker-{worker}"))

    def kill_worker(self, worker: int) -> None:
        """kill -9 of a worker and its executors, as if its machine had failed."""
        victims = [self.pid(f"worker-{worker}"), *self.executors(worker)]
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: ensure_gone(victims), TimeoutError)


def children_of(parent: int) -> list[int]:
    shown = subprocess.run(["ps", "-axo", "ppid=,pid="], capture_output=True, text=True, check=True).stdout
    pairs = [line.split() for line in shown.splitlines()]
    return [int(pid) for of, pid in pairs if of == str(parent)]


def ensure_gone(pids: list[int]) -> None:
    for pid in pids:
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
        if state.stdout.strip() and not state.stdout.startswith("Z"):
            raise TimeoutError(f"{pid} lives on")


@contextmanager
def running_cluster(state: Path, workers: int = 2, memory: str = "1g") -> Iterator[SparkCluster]:
    """Start a cluster, and stop it at the end."""
    cluster = SparkCluster(state, workers, memory)
    try:
        started = cluster.start()
        assert started.returncode == 0, started.stderr
        assert started.stdout == f"{cluster.url}\n"
        yield cluster
    finally:
        stopped = cluster.stop()
        assert stopped.returncode == 0, stopped.stderr


def on_cluster(job: Job, cluster: SparkCluster, **settings: str) -> Job:
    """The job with the cluster as its Spark, and these settings."""
    small = "spark.executor.memory=512m"
    job.env.update(variables(**{"SPARK_MASTER": cluster.url, "SPARK_CONF": small, **settings}))
    return job


def some_calls(job: Job, number: int) -> None:
    """Generate calls, and send them."""
    job.run("generate", "--calls", str(number))
    job.run("produce")


@contextmanager
def running_stream(job: Job, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """Start a stream until the end of the topic, which does not outlive a test that fails."""
    process = job.start("stream", "--until-end", **settings)
    try:
        yield process
    finally:
        if process.poll() is None:
            killed(process)


def wait_amid_batch(job: Job, process: subprocess.Popen[str], batch: int) -> None:
    """Wait until a batch is planned, and not committed."""
    checkpoint = Path(job.env.get("CHECKPOINT", job.state / "checkpoint"))
    offsets, commits = (checkpoint / name / str(batch) for name in ("offsets", "commits"))

    def is_planned() -> None:
        if process.poll() is not None:
            raise AssertionError("the stream ended before")
        if not offsets.exists():
            raise TimeoutError(f"batch {batch} is not planned")

    eventually(is_planned, TimeoutError, seconds=240)
    assert not commits.exists()


def killed(process: subprocess.Popen[str]) -> None:
    """kill -9 of a driver with all that it has started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
