"""The errors that a person can act on: one line that says what is wrong and what to do."""

from __future__ import annotations


class SfPoliceError(Exception):
    """What the user can put right; the command ends with `exit_code` and one line, without a traceback.

    Args:
        what: what is wrong.
        remedy: what to do about it; blank where `what` says all.
    """

    exit_code = 1

    def __init__(self, what: str, *, remedy: str = "") -> None:
        super().__init__(f"{what}: {remedy}" if remedy else what)
        self.what, self.remedy = what, remedy


class UsageError(SfPoliceError):
    """The command line or a setting cannot be right."""

    exit_code = 2
