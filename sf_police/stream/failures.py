"""What went wrong in Spark or in the JVM, as one line for people."""

from __future__ import annotations

from typing import Any, Final

from sf_police.errors import SfPoliceError

# Fragments of Java errors: what they mean, and the remedy.
_KNOWN: Final = {
    "data may have been lost": (
        "records that the stream has not read are gone from the topic (retention, or the topic was made anew)",
        "`make reset` starts over with what is there",
    ),
    "No space left": (
        "no space left for the checkpoint or for Spark's temporary files",
        "make room, then run again",
    ),
    "Timed out waiting": ("the brokers no longer answer", "look at `make kafka-status`, then run again"),
    "TimeoutException": ("the brokers no longer answer", "look at `make kafka-status`, then run again"),
    "OutOfMemoryError": (
        "Spark's memory is too small",
        "set SPARK_DRIVER_MEMORY higher, or MAX_OFFSETS_PER_TRIGGER lower",
    ),
}


def failure(error: Exception) -> SfPoliceError:
    """Describe an exception of the query: by what is known of its causes, else by the first one."""
    causes = _causes(error)
    for fragment, (what, remedy) in _KNOWN.items():
        if any(fragment in cause for cause in causes):
            return SfPoliceError(what, remedy=remedy)
    said = causes[-1].strip().splitlines()[0]
    return SfPoliceError(f"the stream failed: {said}; details with -v, or in spark.log")


def _causes(error: Exception) -> list[str]:
    # From what came to Python down to what first went wrong in the JVM.
    texts = [str(error) or repr(error)]
    throwable: Any = getattr(error, "_origin", None) or getattr(error, "java_exception", None)
    while throwable is not None:
        texts.append(str(throwable.toString()))
        throwable = throwable.getCause()
    return texts
