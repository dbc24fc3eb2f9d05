"""Waits for a store whose server went away: the transaction of a micro-batch is tried again, within a bound."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from sf_police.checks import duration_s
from sf_police.errors import LostStoreError

_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 1.0
_NAP_S: Final = 0.1
_Result = TypeVar("_Result")


class Retry:
    """Tries again what failed because its store was lost, until it succeeds, the bound is over, or a signal comes.

    Args:
        within: the bound, as a duration (`2 minutes`); each outage has its own. `0 seconds`: nothing is tried again.
        say: prints a line for people, one for each outage.
        is_stopped: whether the stream has been asked to end.
        clock: seconds.
        sleep: waits for a number of seconds.
    """

    def __init__(
        self,
        within: str,
        *,
        say: Callable[[str], None],
        is_stopped: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._within, self._say, self._is_stopped = within, say, is_stopped
        self._clock, self._sleep = clock, sleep

    def run(self, transaction: Callable[[], _Result]) -> _Result:
        """Return the result of a transaction that leaves nothing behind where it fails.

        Raises:
            LostStoreError: the store did not come back in time, or before the stream was asked to end.
            SfPoliceError: something else is wrong.
        """
        try:
            return transaction()
        except LostStoreError as error:
            if not duration_s(self._within):
                raise
            return self._run_again(transaction, error)

    def _run_again(self, transaction: Callable[[], _Result], lost: LostStoreError) -> _Result:
        ends, pause_s = self._clock() + duration_s(self._within), _FIRST_PAUSE_S
        if not self._is_stopped():
            self._say(f"{lost.what}; waiting for it, up to {self._within} (STORE_RETRY)")
        while not self._is_stopped() and self._clock() < ends:
            try:
                return transaction()
            except LostStoreError as error:
                lost = error
            self._pause(min(pause_s, ends - self._clock()))
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        kept = "; what was committed is kept"
        if self._is_stopped():
            raise LostStoreError(f"ended while the store was lost: {lost.what}{kept}", remedy=_again(lost)) from lost
        raise LostStoreError(f"{lost.what}, for {self._within} (STORE_RETRY){kept}", remedy=_again(lost)) from lost

    def _pause(self, seconds: float) -> None:
        ends = self._clock() + seconds
        while not self._is_stopped() and (left := ends - self._clock()) > 0:
            self._sleep(min(left, _NAP_S))


def _again(lost: LostStoreError) -> str:
    return lost.remedy if "run again" in lost.remedy else f"{lost.remedy}, then run again"
