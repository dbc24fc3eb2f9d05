"""Why a bare checkpoint is refused where executors are on other machines: what they write there is lost with them.

Workers in a mount namespace of their own stand for other machines: what is at a path there is not what is here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.environment import ROOT
from tests.support.job import Job
from tests.support.spark_cluster import SparkCluster, on_cluster, some_calls

needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("unshare"), reason="a mount namespace takes root, and Linux"
)


def start_elsewhere(cluster: SparkCluster, hidden: Path) -> None:
    """Start the cluster where `hidden` is a folder of its own, in memory, which goes with the workers."""
    start = '"$0" "$@" && exit; exit 1'
    shell = f'mount -t tmpfs none "$HIDDEN" && {start}'
    command = ["unshare", "-m", "bash", "-c", shell, str(ROOT / "scripts" / "spark-start.sh"), *cluster.options]
    env = {**cluster.env, "HIDDEN": str(hidden)}
    subprocess.run(command, env=env, check=True, capture_output=True, timeout=120, cwd="/")


@needs_root
def test_state_that_lies_on_the_workers_is_lost_with_them(job: Job, tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint"
    (checkpoint / "state").mkdir(parents=True)
    cluster = SparkCluster(tmp_path / "cluster")
    # A master on loopback: of such a one we take for granted what is not so here.
    on_cluster(job, cluster, CHECKPOINT=str(checkpoint), STATE_PARTITIONS="2")
    some_calls(job, 2_000)
    try:
        start_elsewhere(cluster, checkpoint / "state")
        job.run("stream", "--until-end")
        # The driver's own files there only say what state there is.
        assert list((checkpoint / "state").rglob("*.delta")) == []
        assert (checkpoint / "commits" / "0").exists()
        cluster.stop()
        start_elsewhere(cluster, checkpoint / "state")
        job.send(*(b"{}" for _ in range(3)))
        lost = job.run("stream", "--until-end", check=False)
    finally:
        cluster.stop()

    assert lost.returncode == 1
    assert lost.stderr.splitlines()[-1].startswith("error: ")


def test_with_a_master_elsewhere_that_is_refused_before_anything_is_done(job: Job, tmp_path: Path) -> None:
    job.send(b"{}")
    done = job.run("stream", "--until-end", check=False, SPARK_MASTER="spark://198.51.100.1:7077")

    assert done.returncode == 2
    assert done.stderr == (
        "error: SPARK_MASTER=spark://198.51.100.1:7077 runs on other machines, and the checkpoint "
        f"{job.state}/checkpoint is a folder of this one: the state would be lost with a worker: set CHECKPOINT to "
        "what all of them see, such as hdfs://… or s3a://…; if they share that folder, to "
        f"file://{job.state}/checkpoint\n"
    )
    assert not job.state.exists() or list(job.state.iterdir()) == []
