"""Java's errors as one line; the exceptions are fakes of what Py4J hands over."""

from __future__ import annotations

import pytest

from sf_police.stream.failures import failure


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
