"""Describes failures of Spark or its JVM in one line. Kafka clients' errors are described in `topic/clients.py`."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from py4j.protocol import Py4JError, Py4JJavaError

from sf_police.errors import SfPoliceError
from sf_police.spark.jvm import LEAST_OPEN_FILES, MORE_FILES, most_open_files
from sf_police.spark.remote_failures import causes_of, known_failure

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_BROKERS_GONE: Final = ("the brokers no longer answer", "check `make kafka-status`, then run again")
_LOGIN: Final = ("the brokers refused the login", "check the user and the password in KAFKA_CLIENT_PROPERTIES")
_TLS: Final = ("the brokers' certificate was refused", "check the ssl settings in KAFKA_CLIENT_PROPERTIES")
_MEMORY: Final = ("Spark ran out of memory", "raise SPARK_DRIVER_MEMORY, or lower MAX_OFFSETS_PER_TRIGGER")
_NO_HEAP: Final = (
    "Java cannot have the memory that it was told to take",
    "lower SPARK_DRIVER_MEMORY, or unset -Xms and -Xmx in JAVA_TOOL_OPTIONS and _JAVA_OPTIONS",
)
# The micro-batch is planned, so it is the same in the next run, whatever MAX_OFFSETS_PER_TRIGGER is then.
_RESULT: Final = (
    "a micro-batch's counts are more than Spark's driver may hold, half of its memory",
    "double SPARK_DRIVER_MEMORY and run again; later micro-batches are smaller with a lower MAX_OFFSETS_PER_TRIGGER",
)
_FILES: Final = ("no more files may be open at once", MORE_FILES)
# Fragments of Java errors: what each means, and the remedy. The more telling come first.
_KNOWN: Final = {
    "data may have been lost": (
        "records that the stream has not read are gone from the topic (retention, or the topic was re-created)",
        "run `make reset` to start over with what is left",
    ),
    "spark.driver.maxResultSize": _RESULT,
    "No space left": (
        "no space left for the checkpoint or for Spark's temporary files",
        "free some space, then run again",
    ),
    "Too many open files": _FILES,
    "Initial heap size set to a larger value": _NO_HEAP,
    "INVALID_DRIVER_MEMORY": ("Spark needs more memory", "set SPARK_DRIVER_MEMORY to 1g or more"),
    "Could not reserve enough space": _NO_HEAP,
    "UnsupportedClassVersionError": (
        "this Java is too old for Spark",
        "install Java 17 or 21, or set JAVA_HOME to one",
    ),
    "SaslAuthenticationException": _LOGIN,
    "SslAuthenticationException": _TLS,
    "SSLHandshakeException": _TLS,
    "trustAnchors parameter must be non-empty": (
        "Java finds no trusted certificate in ssl.truststore.location",
        "make it by `keytool -importcert`, or set ssl.truststore.type=PEM and use PEM",
    ),
    "invalid null input: name": (
        "this user has no name, and Hadoop needs one",
        "give the user id an entry in /etc/passwd",
    ),
    "unmappable characters": (
        "Java cannot use a file name with these characters in this locale",
        "set LC_ALL to a UTF-8 locale, such as C.UTF-8",
    ),
    "No resolvable bootstrap urls": (
        "no broker's name can be resolved",
        "check KAFKA_BOOTSTRAP_SERVERS",
    ),
    "All masters are unresponsive": ("Spark's master does not answer", "check SPARK_MASTER"),
    "Timed out waiting": _BROKERS_GONE,
    "TimeoutException": _BROKERS_GONE,
    "OutOfMemoryError": _MEMORY,
}
# What a Java that may not open one more file says instead, but not only that one.
_NO_FILE: Final = "Error loading java.security"
_GIVEN_HEAP: Final = re.compile(r"^Picked up (\w+): .*?(-Xmx\S+)", re.MULTILINE)
# What a user lacks the right for: `Not authorized to access topics: [calls]`, `… group: spark-kafka-source-1`.
_NOT_ALLOWED: Final = re.compile(r"Not authorized to access (topic|group)s?: \[?([^\]\s]+)\]?")
_UNKNOWN_HOST: Final = re.compile(r"java\.net\.UnknownHostException: ([^\s:]+)")
# A Java exception at the start of a line, with or without `Exception in thread "main"`, or after a log's own words.
_EXCEPTION: Final = re.compile(
    r'^(?:Exception in thread "[^"]*" )?(?:Caused by: )?'
    r"((?:[a-z_][\w$]*\.)+[A-Z][\w$]*(?:Exception|Error|Failure)\b.*)$",
    re.MULTILINE,
)
# What the JVM says where it cannot start: on standard output, often over two lines.
_JVM_ERROR: Final = re.compile(
    r"^(Error .*|.*\b(?:not found|failed)\b.*|Unrecognized .*|Conflicting .*)$", re.MULTILINE
)


# A JVM's connections break a moment before it is gone.
_ENDING_S: Final = 1.0


@contextmanager
def jvm_watched(session: SparkSession) -> Iterator[None]:
    """Say in one line that the session's JVM has ended, where a call into it fails for that.

    Raises:
        SfPoliceError: it has ended.
    """
    try:
        yield
    except (Py4JError, OSError) as error:
        if isinstance(error, Py4JJavaError) or not _has_ended(session):
            raise
        raise SfPoliceError("Spark's JVM has ended", remedy="see spark.log, then run again") from error


def _has_ended(session: SparkSession) -> bool:
    gateway: Any = session.sparkContext._gateway
    if gateway.proc is None:  # spark-submit's
        return False
    with suppress(subprocess.TimeoutExpired):
        gateway.proc.wait(_ENDING_S)
    return gateway.proc.poll() is not None


def failure(error: Exception) -> SfPoliceError:
    """Describe an exception of the query by a known cause, else by its root cause."""
    causes = _causes(error)
    # Theirs first: a store's time-out is none of the brokers'.
    known = known_failure(causes_of(error)) or _known(causes)
    if known:
        return known
    return SfPoliceError(f"the stream failed: {_line(causes[-1])}", remedy="see spark.log, or run again with -v")


def start_failure(log: str, error: Exception | None, *, master: str, log_file: object) -> SfPoliceError:
    """Describe why Spark did not start, from what its JVM wrote, and from the exception, if it came so far."""
    causes = [log, *(_causes(error) if error else ())]
    known = _known(causes)
    heap = _GIVEN_HEAP.search(log)
    less = f"take {heap[2]} out of {heap[1]}, or raise it there" if heap else ""
    if known:
        is_memory = "memory" in known.what and known.remedy != _NO_HEAP[1]
        remedy = less if less and is_memory else known.remedy
        return SfPoliceError(f"Spark did not start: {known.what}", remedy=remedy)
    if less and error is None:
        what = f"Spark did not start: {first_exception(log)}"
        return SfPoliceError(what, remedy=f"{less}; if that is not it, see {log_file}")
    if error is not None:
        what = f"Spark did not start with SPARK_MASTER={master}: {_line(causes[-1])}"
        return SfPoliceError(what, remedy=f"see {log_file}")
    return SfPoliceError(f"Spark did not start: {first_exception(log)}", remedy=f"see {log_file}, or run `make doctor`")


def first_exception(log: str) -> str:
    """Return the first exception in a JVM's output, else its first complaint, else its last line."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    found = _EXCEPTION.search(log)
    if found:
        return found[1].strip()
    complaint = next((number for number, line in enumerate(lines) if _JVM_ERROR.match(line)), None)
    if complaint is not None:
        # `Error occurred during initialization of VM` says only in the next line what it was.
        is_whole = not lines[complaint].endswith("initialization of VM")
        return ": ".join(lines[complaint : complaint + (1 if is_whole else 2)])
    return lines[-1] if lines else "Java printed nothing"


def _known(causes: Iterable[str]) -> SfPoliceError | None:
    text = "\n".join(causes)
    host = _UNKNOWN_HOST.search(text)
    right = _NOT_ALLOWED.search(text)
    if right:
        grant = f"--allow-principal User:… --operation Read --{right[1]} {right[2]}"
        return SfPoliceError(
            f"this user may not Read {right[1]} {right[2]}",
            remedy=f"grant it by `kafka-acls.sh --bootstrap-server … --add {grant}`",
        )
    for fragment, (what, remedy) in _KNOWN.items():
        if fragment in text:
            return SfPoliceError(what, remedy=remedy)
    if _NO_FILE in text and (most_open_files() or LEAST_OPEN_FILES) < LEAST_OPEN_FILES:
        return SfPoliceError(_FILES[0], remedy=_FILES[1])
    if host:
        return SfPoliceError(
            f"no address is known for the host {host[1]}", remedy="check its name, or add it to /etc/hosts"
        )
    return None


def _line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[0]


def _causes(error: Exception) -> list[str]:
    # From the exception in Python down to the root cause in the JVM, which is asked, and may have ended.
    texts = []
    with suppress(Py4JError, OSError):
        texts.append(str(error) or repr(error))
    return [*texts, *causes_of(error)] or [type(error).__name__]
