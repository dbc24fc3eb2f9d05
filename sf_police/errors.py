"""The errors that a person can act on: one line that says what is wrong and what to do."""

from __future__ import annotations


class SfPoliceError(Exception):
    """Something that the user can mend; the command ends with `exit_code` and the message, without a traceback."""

    exit_code = 1


class UsageError(SfPoliceError):
    """The command line or a setting cannot be right."""

    exit_code = 2
