"""What Hadoop's clients say, as one line; the texts are theirs, the exceptions fakes of what Py4J hands over."""

from __future__ import annotations

import pytest
from py4j.protocol import Py4JNetworkError

from sf_police.spark.failures import failure
from sf_police.spark.remote_failures import file_system_failure, known_failure
from tests.unit.spark.test_failures import raised

S3 = "software.amazon.awssdk.services.s3.model.S3Exception: "
PLACE = "s3a://police/checkpoint"


@pytest.mark.parametrize(
    ("text", "what", "remedy"),
    [
        (
            "java.lang.RuntimeException: java.lang.ClassNotFoundException: Class "
            "org.apache.hadoop.fs.s3a.S3AFileSystem not found",
            "the jars for s3a:// are not installed",
            "run `make install-s3`",
        ),
        (
            'org.apache.hadoop.fs.UnsupportedFileSystemException: No FileSystem for scheme "s3"',
            "Hadoop knows no s3://",
            "write s3a:// instead",
        ),
        (
            "org.apache.hadoop.fs.UnsupportedFileSystemException: fs.AbstractFileSystem.gs.impl=null: No "
            "AbstractFileSystem configured for scheme: gs",
            "no file system is known for gs://",
            "hdfs://… or s3a://…",
        ),
        (
            f"{S3}The provided token has expired. (Service: S3, Status Code: 400, Request ID: x):ExpiredToken",
            "have expired",
            "run again: the stream resumes",
        ),
        (
            "org.apache.hadoop.fs.s3a.auth.NoAuthWithAWSException: No AWS Credentials provided by x",
            "there are no credentials",
            "AWS_ACCESS_KEY_ID",
        ),
        (
            f"{S3}Forbidden (Service: S3, Status Code: 403, Request ID: x)",
            "does not allow it to these credentials (403)",
            "s3:ListBucket",
        ),
        (
            "software.amazon.awssdk.core.exception.SdkClientException: Unable to execute HTTP request: Connect to "
            "127.0.0.1:9 [/127.0.0.1] failed: Connection refused",
            "nothing answers at 127.0.0.1:9",
            "fs.s3a.endpoint",
        ),
        (
            "java.net.ConnectException: Call From here/10.0.0.1 to there:8020 failed on connection exception: x",
            "no name node answers at there:8020",
            "start HDFS",
        ),
        (
            "org.apache.hadoop.security.AccessControlException: Permission denied: user=me, access=WRITE, "
            'inode="/":root:supergroup:drwxr-xr-x',
            "the user me has no right to WRITE /",
            "hdfs dfs -chown",
        ),
        (
            "org.apache.hadoop.ipc.RemoteException(SafeModeException): Cannot create file. Name node is in safe mode.",
            "in safe mode",
            "wait until it has left it",
        ),
        (
            "org.apache.hadoop.ipc.RemoteException(java.io.IOException): File /x could only be written to 0 of the 1 "
            "minReplication nodes. There are 0 datanode(s) running and 0 node(s) are excluded",
            "no data node of HDFS takes what is written",
            "have space",
        ),
    ],
)
def test_a_known_cause_is_said_with_its_remedy(text: str, what: str, remedy: str) -> None:
    for error in (file_system_failure(raised("java.io.IOException: outer", text), PLACE), failure(raised("x", text))):
        assert what in error.what
        assert remedy in error.remedy
        assert "\n" not in str(error)


def test_a_cause_that_is_not_known_is_said_in_javas_words() -> None:
    error = file_system_failure(raised("java.io.IOException: outer", "x.OddException: odd\n\tat x"), PLACE)

    assert str(error) == f"cannot use {PLACE}: x.OddException: odd: see spark.log, or run again with -v"


def test_a_jvm_that_has_ended_is_said() -> None:
    error = file_system_failure(Py4JNetworkError("Answer from Java side is empty"), PLACE)

    assert str(error) == f"cannot use {PLACE}: Spark's JVM has ended: see spark.log, then run again"


@pytest.mark.parametrize(
    "texts",
    [
        ("org.apache.kafka.common.errors.TimeoutException: timed out",),
        (
            "org.apache.spark.sql.streaming.StreamingQueryException: s3a:// org.apache.hadoop. SlowDown",
            "org.apache.kafka.common.errors.TimeoutException: Connection refused",
        ),
    ],
)
def test_the_brokers_failures_are_not_a_file_systems(texts: tuple[str, ...]) -> None:
    assert known_failure(texts) is None
    assert "the brokers no longer answer" in failure(raised(*texts)).what
