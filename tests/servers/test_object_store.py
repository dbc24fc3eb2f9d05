"""A checkpoint on an object store: killed and resumed, with credentials that expire, and deleted again.

The slow tests of it are in tests/cluster.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from pyspark.sql import SparkSession

from sf_police.errors import SfPoliceError
from sf_police.spark.session import create_session, stop_session
from sf_police.stream.elsewhere import HadoopFolder
from tests.support import oracle
from tests.support.job import Job
from tests.support.question import resolve
from tests.support.s3 import (
    BUCKET,
    Gate,
    S3Server,
    gated,
    hadoop_settings,
    moto,
    on_s3,
    running,
    variables_of,
    write_site,
)  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with running(moto()) as server:
        yield server


@pytest.fixture
def gate(server: S3Server) -> Iterator[Gate]:
    with gated(server) as gate:
        yield gate


def only_error(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1, done.stderr
    [line] = [line for line in done.stderr.splitlines() if line.startswith("error")]
    assert "Traceback" not in done.stderr
    return line


def test_credentials_expire_and_the_next_run_resumes_and_reset_deletes_what_is_ours(
    job: Job, gate: Gate, server: S3Server
) -> None:
    key = on_s3(job, gate.port)
    data = job.state / "calls.json"
    job.run("generate", "--calls", "2000", "--data", str(data))
    job.run("produce", str(data))
    job.env["SF_POLICE_MAX_OFFSETS_PER_TRIGGER"] = "400"

    def expire(when: str, method: str, name: str) -> None:
        # The batch is stored, and its commit cannot be written any more.
        if when == "before" and "/commits/" in name and method == "PUT" and re.search(r"/\.?2(\.|$)", name):
            gate.refusal = (400, "ExpiredToken")

    gate.on_request = expire
    failed = only_error(job.run("stream", "--until-end", check=False))
    assert failed == (
        "error: the credentials for the object store have expired: renew them, then run again: the stream resumes"
    )
    gate.refusal = None
    gate.on_request = lambda *_: None

    resumed = job.run("stream", "--until-end")
    assert f"resuming from the checkpoint s3a://{BUCKET}/{key}" in resumed.stderr
    assert oracle.assert_exact(job.state / "answers.db", job.kafka, job.topic)["read"] == 2_000

    server.put(f"{key}/notes.txt", "somebody's")
    said = job.run("reset").stderr
    assert f"left, as this program did not make it: s3a://{BUCKET}/{key}/notes.txt" in said
    assert [name for name in server.all_keys() if name.startswith(key) and not name.endswith("/")] == [
        f"{key}/notes.txt"
    ]
    assert "nothing to delete" not in said


@pytest.fixture(scope="module")
def looking(server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SparkSession, Gate]]:
    """A session as the stream has it, and the gate before its store."""
    folder = tmp_path_factory.mktemp("hadoop")
    with gated(server) as gate, pytest.MonkeyPatch.context() as patch:
        write_site(folder / "core-site.xml", hadoop_settings(gate.port))
        for name, value in variables_of(folder).items():
            patch.setenv(name, value)
        config = {"state_dir": str(folder), "spark_master": "local[1]", "checkpoint": f"s3a://{BUCKET}/looked-at"}
        session = create_session(resolve({**config, "jars_dir": os.environ.get("SF_POLICE_JARS_DIR")}), records=0)
        yield session, gate
        stop_session(session)


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, "ExpiredToken", "the credentials for the object store have expired: renew them, then run again"),
        (403, "InvalidAccessKeyId", "the object store does not know this access key: check AWS_ACCESS_KEY_ID"),
        (403, "SignatureDoesNotMatch", "the secret key is not that of the access key: check AWS_SECRET_ACCESS_KEY"),
        (403, "AccessDenied", "the object store does not allow it to these credentials (403): they need s3:ListBucket"),
        (404, "NoSuchBucket", "the bucket does not exist: create it, or check CHECKPOINT and fs.s3a.endpoint"),
        (301, "PermanentRedirect", "the bucket is in another region: set fs.s3a.endpoint.region to its region"),
        (503, "SlowDown", "the object store fails, or is overloaded: see how it is, then run again"),
    ],
)
def test_what_the_store_refuses_is_one_line(
    looking: tuple[SparkSession, Gate], status: int, code: str, message: str
) -> None:
    session, gate = looking
    gate.refusal = (status, code)
    try:
        with pytest.raises(SfPoliceError) as error, closing(HadoopFolder(session, f"s3a://{BUCKET}/x")) as folder:
            folder.names("")
    finally:
        gate.refusal = None

    assert str(error.value).startswith(f"cannot use s3a://{BUCKET}/x: {message}")
    assert "\n" not in str(error.value)


def test_a_store_that_is_not_there_is_one_line_within_a_minute(looking: tuple[SparkSession, Gate]) -> None:
    session, gate = looking
    settings = session._jsc.hadoopConfiguration()  # type: ignore[attr-defined]
    began = time.monotonic()
    with socket.socket() as closed:  # bound, and not listening
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        settings.set("fs.s3a.endpoint", f"http://127.0.0.1:{port}")
        with pytest.raises(SfPoliceError) as error, closing(HadoopFolder(session, f"s3a://{BUCKET}/x")) as folder:
            folder.names("")
    settings.set("fs.s3a.endpoint", f"http://127.0.0.1:{gate.port}")

    assert str(error.value).startswith(f"cannot use s3a://{BUCKET}/x: nothing answers at 127.0.0.1:{port}: start")
    assert time.monotonic() - began < 60


def test_of_two_who_create_a_file_the_store_lets_one(looking: tuple[SparkSession, Gate]) -> None:
    session, gate = looking
    with closing(HadoopFolder(session, f"s3a://{BUCKET}/created")) as folder:
        folder.create("metadata", "the first ä")
        gate.requests.clear()
        with pytest.raises(SfPoliceError, match="another file is in its place"):
            folder.create("metadata", "the second")

        assert ("PUT", "created/metadata") in gate.requests  # it was the server that refused
        assert folder.read("metadata") == "the first ä"
        folder.write("metadata", "the third")
        assert folder.read("metadata") == "the third"
        assert folder.names("") == ["metadata"]
        folder.delete("metadata")
        assert folder.names("") == []
