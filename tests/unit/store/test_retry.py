"""A store that was lost is waited for within a bound, is named once, and a signal ends the waiting."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sf_police.errors import LostStoreError, SfPoliceError, UnbalancedBatchError
from sf_police.store.retry import Retry

LOST = LostStoreError("the store at x: connection refused", remedy="start the server")


class Outage:
    """A transaction that fails this often, and a clock that its pauses move."""

    def __init__(self, *failures: SfPoliceError, each_takes_s: float = 0) -> None:
        self.failures, self.each_takes_s = list(failures), each_takes_s
        self.now_s, self.attempts, self.said = 0.0, 0, list[str]()

    def transaction(self) -> str:
        self.attempts += 1
        self.now_s += self.each_takes_s
        if self.failures:
            raise self.failures.pop(0)
        return "done"

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def retry(self, within: str = "2 minutes", is_stopped: Callable[[], bool] = lambda: False) -> Retry:
        return Retry(within, say=self.said.append, is_stopped=is_stopped, clock=lambda: self.now_s, sleep=self.sleep)


def test_what_succeeds_says_nothing() -> None:
    outage = Outage()

    assert outage.retry().run(outage.transaction) == "done"
    assert (outage.attempts, outage.said, outage.now_s) == (1, [], 0)


def test_an_outage_is_said_once_and_waited_for() -> None:
    outage = Outage(*[LOST] * 30)

    assert outage.retry().run(outage.transaction) == "done"
    assert outage.attempts == 31
    assert outage.said == ["the store at x: connection refused; waiting for it, up to 2 minutes (STORE_RETRY)"]


def test_each_outage_has_its_own_bound_and_line() -> None:
    outage = Outage(*[LOST] * 60)
    retry = outage.retry("60 seconds")
    retry.run(outage.transaction)
    outage.failures = [LOST] * 60

    retry.run(outage.transaction)

    assert len(outage.said) == 2


@pytest.mark.parametrize("each_takes_s", [0, 10])
def test_after_the_bound_it_ends_with_one_line(each_takes_s: float) -> None:
    outage = Outage(*[LOST] * 500, each_takes_s=each_takes_s)

    with pytest.raises(SfPoliceError) as ended:
        outage.retry("1 minute").run(outage.transaction)

    assert str(ended.value) == (
        "the store at x: connection refused, for 1 minute (STORE_RETRY); what was committed is kept: "
        "start the server, then run again"
    )
    assert 60 <= outage.now_s <= 60 + 2 * each_takes_s
    assert len(outage.said) == 1


def test_without_a_bound_nothing_is_tried_again() -> None:
    outage = Outage(LOST)

    with pytest.raises(LostStoreError, match="connection refused: start the server$"):
        outage.retry("0 seconds").run(outage.transaction)
    assert (outage.attempts, outage.said) == (1, [])


def test_a_signal_ends_the_waiting_at_once() -> None:
    outage = Outage(*[LOST] * 500)
    begun_s: list[float] = []

    def transaction() -> str:
        begun_s.append(outage.now_s)
        return outage.transaction()

    with pytest.raises(SfPoliceError) as ended:
        outage.retry(is_stopped=lambda: outage.now_s >= 7).run(transaction)

    assert str(ended.value) == (
        "ended while the store was lost: the store at x: connection refused; what was committed is kept: "
        "start the server, then run again"
    )
    assert max(begun_s) < 7 <= outage.now_s < 7.2


@pytest.mark.parametrize("error", [SfPoliceError("the disk is full"), UnbalancedBatchError("3 is not 2")])
def test_what_else_fails_is_not_tried_again(error: SfPoliceError) -> None:
    outage = Outage(LOST, error)

    with pytest.raises(type(error), match=error.what):
        outage.retry().run(outage.transaction)
    assert outage.attempts == 2
