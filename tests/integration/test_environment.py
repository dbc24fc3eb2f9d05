"""The real commands in an environment that other programs have made their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.builders import a_value
from tests.support.environment import ROOT
from tests.support.job import Job, books, processes_of

CLUSTER = """<configuration>
<property><name>fs.defaultFS</name><value>hdfs://nowhere.invalid:8020</value></property>
</configuration>
"""
# What Hadoop, Spark, Java and URIs each have a meaning for.
FOLDER = "a b%20#?&=é,[x]{y}"


def hostile(folder: Path) -> dict[str, str]:
    """Variables of a user of other Sparks and of a Hadoop cluster; each would stop or change a run that took it."""
    for name in ("hadoop", "spark/conf", "spark/bin", "python/pyspark"):
        (folder / name).mkdir(parents=True)
    (folder / "hadoop" / "core-site.xml").write_text(CLUSTER)
    (folder / "spark" / "conf" / "spark-env.sh").write_text("exit 9\n")
    (folder / "spark" / "conf" / "spark-defaults.conf").write_text("spark.sql.session.timeZone Asia/Kolkata\n")
    for name in ("pyspark/__init__.py", "kafka.py"):
        (folder / "python" / name).write_text("raise SystemExit('a foreign package')\n")
    return {
        "HADOOP_CONF_DIR": str(folder / "hadoop"),
        "SPARK_HOME": str(folder / "spark"),
        "SPARK_CONF_DIR": str(folder / "spark" / "conf"),
        "SPARK_REMOTE": "sc://nowhere.invalid",
        "SPARK_LOCAL_IP": "192.0.2.1",
        "PYSPARK_SUBMIT_ARGS": "--master spark://nowhere.invalid:7077",
        "PYSPARK_PYTHON": "/nowhere/python",
        "PYSPARK_DRIVER_PYTHON": "jupyter",
        "PYTHONPATH": str(folder / "python"),
        "PYTHONWARNINGS": "error",
        "JAVA_TOOL_OPTIONS": "-XX:+UseSerialGC -Duser.timezone=Asia/Kolkata",
        "TZ": "Asia/Kolkata",
        "LC_ALL": "C",
        "CDPATH": "/",
    }


def test_a_hostile_environment_changes_nothing(make_job: Callable[..., Job], tmp_path: Path) -> None:
    job = make_job()
    state = tmp_path / FOLDER
    job.env = {**job.env, **hostile(tmp_path / "other"), "SF_POLICE_STATE_DIR": str(state)}
    for number in range(3):
        job.send(a_value(crime_id=str(number)), partition=number)

    first = job.run("stream", "--until-end")
    job.send(a_value(crime_id="2"), a_value(crime_id="3"), partition=2)
    again = job.run("stream", "--until-end")

    assert books(first.stderr) == {"read": 3, "counted": 3, "duplicates": 0, "late": 0, "rejected": 0}
    assert books(again.stderr) == {"read": 5, "counted": 4, "duplicates": 1, "late": 0, "rejected": 0}
    assert "resuming from the checkpoint" in again.stderr
    assert (state / "checkpoint" / "commits" / "0").exists()
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == sorted([FOLDER, "other"])
    job.run("reset")
    assert not (state / "checkpoint").exists()


def test_java_home_is_the_java_that_spark_runs(job: Job, tmp_path: Path) -> None:
    real = shutil.which("java", path=f"{os.environ['JAVA_HOME']}/bin" if os.environ.get("JAVA_HOME") else None)
    java = tmp_path / "java home" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f'#!/bin/sh\necho started >> "{tmp_path}/started"\nexec "{real}" "$@"\n')
    java.chmod(0o755)
    job.send(a_value())

    done = job.run("stream", "--until-end", "--java-home", str(tmp_path / "java home"))

    assert books(done.stderr)["counted"] == 1
    assert (tmp_path / "started").read_text() == "started\nstarted\n"  # Spark's launcher, then Spark


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_output_that_fails_after_counting_is_one_line_and_the_books_are_said(job: Job) -> None:
    job.send(a_value())
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "sf_police", "stream", "--until-end"],
            env=job.env, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False,
        )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert (
        done.stderr.count("cannot write to standard output: No space left on device: the answer is in the store") == 1
    )
    assert books(done.stderr)["counted"] == 1


def test_a_spark_that_cannot_start_is_told_by_its_own_reason_and_leaves_no_process(job: Job) -> None:
    job.send(a_value())

    process = job.start("stream", "--until-end", SPARK_DRIVER_MEMORY="100m")
    _, said = process.communicate(timeout=120)

    assert said == "error: Spark did not start: Spark needs more memory: set SPARK_DRIVER_MEMORY to 1g or more\n"
    assert process.returncode == 1
    assert processes_of(process.pid) == []
