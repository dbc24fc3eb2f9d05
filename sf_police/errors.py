"""Errors that a user can act on: one line that says what is wrong and what to do about it."""

from __future__ import annotations

import errno
from typing import Final

_FILE_IN_PLACE_OF_A_FOLDER: Final = {errno.EEXIST: "a file is in its place", errno.ENOTDIR: "a file is in its way"}


class SfPoliceError(Exception):
    """An error that the user can fix; the command ends with `exit_code` and one line, without a traceback.

    Args:
        what: what is wrong.
        remedy: what to do about it, as an imperative clause; blank if `what` says it all.
    """

    exit_code = 1

    def __init__(self, what: str, *, remedy: str = "") -> None:
        super().__init__(f"{what}: {remedy}" if remedy else what)
        self.what, self.remedy = what, remedy


class UnbalancedBatchError(SfPoliceError):
    """A micro-batch's metrics disagree with its rows; nothing of it was stored, and a replay may cure it.

    Spark counts twice what it ran twice, as after an executor was lost with the results of a stage.
    """


class LostStoreError(SfPoliceError):
    """The store's server went away, or something is in the way there: the same transaction may succeed later on."""


class UnknownTopicError(SfPoliceError):
    """The brokers answer, and have no such topic."""


class UsageError(SfPoliceError):
    """The command line or a setting is invalid."""

    exit_code = 2


def folder_reason(error: OSError) -> str:
    """Return why a folder cannot be used: the system's words, but for a file where the folder should be."""
    return _FILE_IN_PLACE_OF_A_FOLDER.get(error.errno or 0) or error.strerror or str(error)
