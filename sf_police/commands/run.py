"""What every command receives, and how it talks to people."""

from __future__ import annotations

from dataclasses import dataclass

from sf_police.config import Config
from sf_police.errors import SfPoliceError
from sf_police.output import say
from sf_police.question import Question
from sf_police.stop import Stop

__all__ = ["Run", "missing_extra", "say"]


@dataclass(frozen=True)
class Run:
    """What every command receives: the settings, the question, and whether a signal has asked it to end."""

    config: Config
    question: Question
    stop: Stop


def missing_extra(what: str, error: ImportError, *, extra: str = "dashboard") -> SfPoliceError:
    """Return the error for a command whose packages are not installed."""
    return SfPoliceError(
        f"the {what} needs packages that are not installed ({error})", remedy=f"install the extra `{extra}`"
    )
