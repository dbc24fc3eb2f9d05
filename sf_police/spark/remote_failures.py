"""Describes failures of a file system elsewhere (S3A, HDFS) in one line. Those of Spark itself are in `failures.py`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

from py4j.protocol import Py4JError

from sf_police.errors import SfPoliceError

_AGAIN: Final = "then run again: the stream resumes"
_ENDPOINT: Final = "start the server, or check CHECKPOINT and the settings of its file system (fs.s3a.endpoint)"
# What the names of the exceptions of Hadoop's clients have, and those of Kafka's have not.
_OF_HADOOP: Final = re.compile(r"awssdk|fs\.s3a|org\.apache\.hadoop\.|No (Abstract)?FileSystem|Call From \S+ to ")
# Tells of the query, whose plan and settings could name anything.
_OF_QUERY: Final = "org.apache.spark.sql.streaming.StreamingQueryException"
# Parts of Java's errors, what each means, and the remedy; {} are the pattern's groups. The more telling come first.
_KNOWN: Final = tuple(
    (re.compile(pattern), what, remedy)
    for pattern, what, remedy in (
        (
            r"org[./]apache[./]hadoop[./]fs[./]s3a[./]\S+ not found|NoClassDefFoundError: software/amazon"
            r"|ClassNotFoundException: (?:software\.amazon|org\.apache\.hadoop\.fs\.s3a)",
            "the jars for s3a:// are not installed",
            "run `make install-s3`",
        ),
        (r'No (?:Abstract)?FileSystem[^:"]*(?::|") ?"?(s3n?)\b', "Hadoop knows no {}://", "write s3a:// instead"),
        (
            r'No (?:Abstract)?FileSystem[^:"]*(?::|") ?"?([\w+.-]+)',
            "no file system is known for {}://",
            "set CHECKPOINT to a folder, hdfs://… or s3a://…, or add the jar of its file system to Spark's",
        ),
        (
            r"ExpiredToken|TokenRefreshRequired|RequestExpired|token has expired|in the request is expired",
            "the credentials for the object store have expired",
            f"renew them, {_AGAIN}",
        ),
        (
            r"NoAuthWithAWS|NoAwsCredentials|No AWS Credentials|Unable to load credentials",
            "there are no credentials for the object store",
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or fs.s3a.aws.credentials.provider",
        ),
        (
            r"InvalidAccessKeyId",
            "the object store does not know this access key",
            "check AWS_ACCESS_KEY_ID, or the credentials file",
        ),
        (
            r"SignatureDoesNotMatch",
            "the secret key is not that of the access key",
            "check AWS_SECRET_ACCESS_KEY, or the credentials file",
        ),
        (
            r"InvalidToken|token included in the request is invalid",
            "the object store does not know this session token",
            "check AWS_SESSION_TOKEN, and unset it if the keys are not temporary",
        ),
        (r"RequestTimeTooSkewed", "this machine's clock is not the object store's", "set the clock"),
        (
            r"NoSuchBucket|UnknownStoreException|[Bb]ucket does not exist",
            "the bucket does not exist",
            "create it, or check CHECKPOINT and fs.s3a.endpoint",
        ),
        (
            r"PermanentRedirect|AWSRedirectException|AuthorizationHeaderMalformed",
            "the bucket is in another region",
            "set fs.s3a.endpoint.region to its region",
        ),
        (
            r'Permission denied: user=([^,\s]+), access=(\w+), inode="([^"]+)"',
            "the user {} has no right to {} {}",
            "grant it (`hdfs dfs -chown`), or set HADOOP_USER_NAME to a user who has it",
        ),
        (
            r"SIMPLE authentication is not enabled|GSS initiate failed|Client cannot authenticate via",
            "HDFS wants a login by Kerberos",
            "run kinit, and have hadoop.security.authentication in HADOOP_CONF_DIR",
        ),
        (r"safe mode", "HDFS is in safe mode, in which nothing is written", f"wait until it has left it, {_AGAIN}"),
        (
            r"could only be (?:written|replicated) to 0|All datanodes \S+ are bad|datanode\(s\) running and 0 node",
            "no data node of HDFS takes what is written",
            f"see that they run and have space, {_AGAIN}",
        ),
        (
            r"NSQuotaExceeded|DSQuotaExceeded|QuotaExceededException",
            "the quota of the folder in HDFS is used up",
            f"raise it, {_AGAIN}",
        ),
        (
            r"BlockMissingException|Could not obtain block",
            "HDFS does not have a block of the checkpoint at hand",
            f"see that its data nodes run, {_AGAIN}",
        ),
        (r"in state standby", "the name node is a standby", "set CHECKPOINT to the name service, not to one node"),
        (
            r"Status Code: 403|AccessDenied",
            "the object store does not allow it to these credentials (403)",
            "they need s3:ListBucket on the bucket, and s3:GetObject, s3:PutObject and s3:DeleteObject in it",
        ),
        (
            r"SlowDown|ServiceThrottled|Status Code: (5\d\d|429)",
            "the object store fails, or is overloaded",
            f"see how it is, {_AGAIN}",
        ),
        (
            r"SSLHandshake|PKIX|SSLException",
            "the certificate of the object store was refused",
            "add its CA to Java's trust store (-Djavax.net.ssl.trustStore in JAVA_TOOL_OPTIONS)",
        ),
        (r"UnknownHostException: (?:\S+://)?([^\s:]+)", "no address is known for the host {}", "check its name"),
        (r"Call From \S+ to (\S+?):(\d+)[ ;]", "no name node answers at {}:{}", "start HDFS, or check CHECKPOINT"),
        (r"Connect to (\S+?):(\d+) ", "nothing answers at {}:{}", _ENDPOINT),
        (
            r"Connection refused|ConnectTimeout|ConnectException|NoRouteToHost|SocketTimeout|timed out"
            r"|NoHttpResponse|Connection reset|Unable to execute HTTP request|SocketException",
            "the checkpoint's file system does not answer",
            _ENDPOINT,
        ),
    )
)


def known_failure(causes: Iterable[str]) -> SfPoliceError | None:
    """Return what a file system's exceptions mean, if they are one's: the texts of `causes_of`."""
    text = "\n".join(cause for cause in causes if not cause.startswith(_OF_QUERY))
    return _meaning(text) if _OF_HADOOP.search(text) else None


def _meaning(text: str) -> SfPoliceError | None:
    for pattern, what, remedy in _KNOWN:
        found = pattern.search(text)
        if found:
            return SfPoliceError(what.format(*(group or "" for group in found.groups())), remedy=remedy)
    return None


def file_system_failure(error: Exception, uri: str) -> SfPoliceError:
    """Describe why a folder elsewhere cannot be used.

    Args:
        error: of Py4J.
        uri: the folder.
    """
    causes = causes_of(error)
    if not causes:
        return SfPoliceError(f"cannot use {uri}: Spark's JVM has ended", remedy="see spark.log, then run again")
    known = _meaning("\n".join(causes)) or SfPoliceError(
        (causes[-1].strip().splitlines() or ["no reason given"])[0], remedy="see spark.log, or run again with -v"
    )
    return SfPoliceError(f"cannot use {uri}: {known.what}", remedy=known.remedy)


def causes_of(error: Exception) -> list[str]:
    """Return each Java exception as text, from the outermost to the root; none if the JVM has ended."""
    texts: list[str] = []
    with suppress(Py4JError, OSError):
        throwable: Any = getattr(error, "_origin", None) or getattr(error, "java_exception", None)
        while throwable is not None:
            texts.append(str(throwable.toString()))
            throwable = throwable.getCause()
    return texts
