"""Java's errors as one line; the exceptions are fakes of what Py4J hands over."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from py4j.protocol import Py4JError, Py4JNetworkError

from sf_police.errors import SfPoliceError
from sf_police.spark import failures
from sf_police.spark.failures import failure, first_exception, jvm_watched, start_failure


class Throwable:
    def __init__(self, text: str, cause: Throwable | None = None) -> None:
        self._text, self._cause = text, cause

    def toString(self) -> str:  # noqa: N802 # Java's
        return self._text

    def getCause(self) -> Throwable | None:  # noqa: N802 # Java's
        return self._cause


def raised(*texts: str) -> Exception:
    error = Exception("Exception thrown in foreachBatch")
    cause = None
    for text in reversed(texts):
        cause = Throwable(text, cause)
    error._origin = cause  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    ("texts", "what", "remedy"),
    [
        (("org.apache.spark.SparkException: Some data may have been lost",), "are gone from the topic", "make reset"),
        (
            ("StreamingQueryException", "java.io.IOException: No space left on device"),
            "no space left",
            "free some space",
        ),
        (("java.lang.OutOfMemoryError: Java heap space",), "ran out of memory", "SPARK_DRIVER_MEMORY"),
        (("org.apache.kafka.common.errors.TimeoutException: x",), "no longer answer", "make kafka-status"),
        (
            ("KafkaException", "java.net.UnknownHostException: db.example: Name or service not known"),
            "no address is known for the host db.example",
            "/etc/hosts",
        ),
        (
            ("org.apache.kafka.common.errors.SaslAuthenticationException: Invalid credentials",),
            "refused the login",
            "KAFKA_CLIENT_PROPERTIES",
        ),
        (
            ("javax.net.ssl.SSLHandshakeException: PKIX path building failed",),
            "certificate was refused",
            "ssl settings",
        ),
        (
            ("org.apache.kafka.common.errors.TopicAuthorizationException: Not authorized to access topics: [calls]",),
            "this user may not Read topic calls",
            "--operation Read --topic calls",
        ),
        (
            ("org.apache.kafka.common.errors.GroupAuthorizationException: Not authorized to access group: spark-1",),
            "this user may not Read group spark-1",
            "--operation Read --group spark-1",
        ),
        (
            ("java.security.InvalidAlgorithmParameterException: the trustAnchors parameter must be non-empty",),
            "Java finds no trusted certificate",
            "keytool -importcert",
        ),
        (
            (
                "org.apache.spark.SparkException: Job aborted due to stage failure: Total size of serialized results "
                "of 2 tasks (1208.7 MiB) is bigger than spark.driver.maxResultSize (1024.0 MiB)",
            ),
            "a micro-batch's counts are more than Spark's driver may hold",
            "double SPARK_DRIVER_MEMORY and run again",
        ),
        (
            ("java.nio.file.InvalidPathException: Malformed input or input contains unmappable characters: /é",),
            "cannot use a file name",
            "LC_ALL",
        ),
    ],
)
def test_a_known_failure_has_its_remedy(texts: tuple[str, ...], what: str, remedy: str) -> None:
    error = failure(raised(*texts))

    assert what in error.what
    assert remedy in error.remedy


def test_an_unknown_failure_tells_what_went_wrong_first() -> None:
    error = failure(raised("outer", "middle", "java.lang.IllegalStateException: the cause\n\tat Some.method"))

    assert str(error) == (
        "the stream failed: java.lang.IllegalStateException: the cause: see spark.log, or run again with -v"
    )


def test_an_exception_of_pythons_own_is_told_as_it_is() -> None:
    assert str(failure(ValueError("boom"))) == "the stream failed: boom: see spark.log, or run again with -v"


def test_of_a_jvm_that_has_ended_what_was_heard_is_told() -> None:
    class Gone(Throwable):
        def toString(self) -> str:  # noqa: N802 # Java's
            raise ConnectionRefusedError

    error = raised("outer")
    error._origin = Gone("")  # type: ignore[attr-defined]

    assert failure(error).what == "the stream failed: Exception thrown in foreachBatch"


LOG = """WARNING: Using incubator modules: jdk.incubator.vector
26/11/26 15:05:01 ERROR SparkContext: Error initializing SparkContext.
java.lang.IllegalStateException: the first one
\tat org.apache.spark.Some.method(Some.scala:1)
Caused by: java.io.IOException: the second one
\t... 17 more
"""


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (LOG, "java.lang.IllegalStateException: the first one"),
        ('Exception in thread "main" java.lang.NoSuchFieldError: x\n\tat Z\n', "java.lang.NoSuchFieldError: x"),
        ("Error occurred during initialization of VM\nToo small maximum heap\n",
         "Error occurred during initialization of VM: Too small maximum heap"),
        ("Picked up JAVA_TOOL_OPTIONS: -javaagent:/x.jar\nError opening zip file or JAR manifest missing : /x.jar\n",
         "Error opening zip file or JAR manifest missing : /x.jar"),
        ("Error opening zip file: /x.jar\nError occurred during initialization of VM\nagent library failed\n",
         "Error opening zip file: /x.jar"),
        ("one\ntwo\n", "two"),
        ("", "Java printed nothing"),
    ],
)  # fmt: skip
def test_of_a_log_the_first_exception_is_told(log: str, expected: str) -> None:
    assert first_exception(log) == expected


def test_a_jvm_that_did_not_start_is_told_by_its_log() -> None:
    error = start_failure(LOG, None, master="local[*]", log_file="spark.log")

    assert str(error) == (
        "Spark did not start: java.lang.IllegalStateException: the first one: see spark.log, or run `make doctor`"
    )


def test_a_session_that_did_not_start_is_told_by_its_root_cause() -> None:
    error = start_failure("", raised("outer", "java.io.IOException: refused"), master="spark://x", log_file="spark.log")

    assert str(error) == "Spark did not start with SPARK_MASTER=spark://x: java.io.IOException: refused: see spark.log"


def test_a_known_cause_is_told_of_a_start_as_of_a_query() -> None:
    log = "Error occurred during initialization of VM\nInitial heap size set to a larger value than the maximum\n"

    error = start_failure(log, None, master="local[*]", log_file="spark.log")

    assert error.what == "Spark did not start: Java cannot have the memory that it was told to take"
    assert error.remedy == "lower SPARK_DRIVER_MEMORY, or unset -Xms and -Xmx in JAVA_TOOL_OPTIONS and _JAVA_OPTIONS"


@pytest.mark.parametrize(
    ("log", "text"),
    [
        (
            "Picked up _JAVA_OPTIONS: -Xmx16m\njava.lang.OutOfMemoryError: Java heap space\n",
            "Spark did not start: Spark ran out of memory: take -Xmx16m out of _JAVA_OPTIONS, or raise it there",
        ),
        (
            "Picked up JAVA_TOOL_OPTIONS: -Dx=y -Xmx200m -Da=b\n[INVALID_DRIVER_MEMORY] System memory must be more\n",
            "Spark did not start: Spark needs more memory: take -Xmx200m out of JAVA_TOOL_OPTIONS, or raise it there",
        ),
        (
            'Picked up _JAVA_OPTIONS: -Xmx16m\nError: A JNI error has occurred\nException in thread "main" \n',
            'Spark did not start: Exception in thread "main": take -Xmx16m out of _JAVA_OPTIONS, or raise it there; '
            "if that is not it, see x.log",
        ),
        (
            "io.netty.channel.ChannelException: eventfd() failed: Too many open files\n",
            "Spark did not start: no more files may be open at once: raise the limit (`ulimit -n 4096`)",
        ),
    ],
)
def test_what_the_environment_limits_is_named(log: str, text: str) -> None:
    assert str(start_failure(log, None, master="local[2]", log_file="x.log")) == text


@pytest.mark.parametrize(("limit", "is_named"), [(60, True), (100_000, False), (None, False)])
def test_java_without_files_says_something_else(
    monkeypatch: pytest.MonkeyPatch, limit: int | None, is_named: bool
) -> None:
    monkeypatch.setattr(failures, "most_open_files", lambda: limit)

    found = start_failure("java.lang.InternalError: Error loading java.security file", None, master="", log_file="x")

    assert ("no more files may be open" in str(found)) == is_named


@pytest.fixture
def session() -> Iterator[Any]:
    """A session whose JVM is another program."""
    process = subprocess.Popen(["sleep", "60"])
    yield SimpleNamespace(sparkContext=SimpleNamespace(_gateway=SimpleNamespace(proc=process)))
    process.kill()
    process.wait()


ERRORS = [Py4JError("an error occurred"), Py4JNetworkError("no answer"), ConnectionRefusedError(111, "refused")]


@pytest.mark.parametrize("error", ERRORS)
def test_a_jvm_that_has_ended_is_said_in_one_line(session: Any, error: Exception) -> None:
    session.sparkContext._gateway.proc.kill()

    with pytest.raises(SfPoliceError, match="Spark's JVM has ended"), jvm_watched(session):
        raise error


@pytest.mark.parametrize("error", [*ERRORS, ValueError("ours")])
def test_while_it_runs_an_error_is_what_it_is(session: Any, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "_ENDING_S", 0.01)

    with pytest.raises(type(error)) as raised, jvm_watched(session):
        raise error

    assert raised.value is error


def test_of_spark_submits_jvm_nothing_is_known(session: Any) -> None:
    session.sparkContext._gateway.proc = None

    with pytest.raises(Py4JError), jvm_watched(session):
        raise ERRORS[0]
