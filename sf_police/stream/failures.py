"""Describes failures of Spark or its JVM in one line. Kafka clients' errors are described in `topic/clients.py`."""

from __future__ import annotations

from typing import Any, Final

from sf_police.errors import SfPoliceError

# Fragments of Java errors: what each means, and the remedy.
_KNOWN: Final = {
    "data may have been lost": (
        "records that the stream has not read are gone from the topic (retention, or the topic was re-created)",
        "run `make reset` to start over with what is left",
    ),
    "No space left": (
        "no space left for the checkpoint or for Spark's temporary files",
        "free some space, then run again",
    ),
    "Timed out waiting": ("the brokers no longer answer", "check `make kafka-status`, then run again"),
    "TimeoutException": ("the brokers no longer answer", "check `make kafka-status`, then run again"),
    "OutOfMemoryError": (
        "Spark ran out of memory",
        "raise SPARK_DRIVER_MEMORY, or lower MAX_OFFSETS_PER_TRIGGER",
    ),
}


def failure(error: Exception) -> SfPoliceError:
    """Describe an exception of the query by a known cause, else by its root cause."""
    causes = _causes(error)
    for fragment, (what, remedy) in _KNOWN.items():
        if any(fragment in cause for cause in causes):
            return SfPoliceError(what, remedy=remedy)
    said = causes[-1].strip().splitlines()[0]
    return SfPoliceError(f"the stream failed: {said}", remedy="see spark.log, or run again with -v")


def _causes(error: Exception) -> list[str]:
    # From the exception in Python down to the root cause in the JVM.
    texts = [str(error) or repr(error)]
    throwable: Any = getattr(error, "_origin", None) or getattr(error, "java_exception", None)
    while throwable is not None:
        texts.append(str(throwable.toString()))
        throwable = throwable.getCause()
    return texts
