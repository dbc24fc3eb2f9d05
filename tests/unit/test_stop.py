"""Ctrl-C, SIGTERM and SIGHUP: what is running is interrupted, or is told so where it asks."""

from __future__ import annotations

import os
import signal
import sys
import threading
import weakref
from collections.abc import Iterator

import pytest

from sf_police.stop import Stop, held

SIGNALS = pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)


@pytest.fixture
def stop() -> Iterator[Stop]:
    """One that listens; afterwards the signals are heard as before."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whatever the tests themselves were started with
    stop = Stop()
    stop.listen()
    yield stop
    for number, handler in before.items():
        signal.signal(number, handler)


def receive(number: int) -> None:
    os.kill(os.getpid(), number)


def test_nothing_is_asked_for_at_first(stop: Stop) -> None:
    assert not stop.is_set()
    assert stop.exit_code == 130


@SIGNALS
def test_a_signal_interrupts_where_nobody_asks_for_it(stop: Stop, number: int, code: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        receive(number)

    assert stop.is_set()
    assert stop.exit_code == code


@SIGNALS
def test_a_signal_that_is_awaited_interrupts_nothing(stop: Stop, number: int, code: int) -> None:
    with stop.awaited():
        receive(number)
        assert stop.is_set()

    assert stop.exit_code == code


def test_what_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    others = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        Stop().listen()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        for number, handler in {**others, signal.SIGHUP: before}.items():
            signal.signal(number, handler)


def test_after_the_command_has_ended_a_signal_interrupts_again(stop: Stop) -> None:
    with pytest.raises(ZeroDivisionError), stop.awaited():
        raise ZeroDivisionError

    with pytest.raises(KeyboardInterrupt):
        receive(signal.SIGTERM)


def test_a_library_that_took_the_signals_away_is_overruled_by_listening_again(stop: Stop) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    stop.listen()

    with stop.awaited():
        receive(signal.SIGTERM)
        assert stop.is_set()


def test_another_thread_listens_to_nothing_and_does_not_fail(stop: Stop) -> None:
    other, errors = Stop(), []

    def listen() -> None:
        try:
            other.listen()
        except ValueError as error:
            errors.append(error)

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()

    assert errors == []
    with pytest.raises(KeyboardInterrupt):
        receive(signal.SIGTERM)
    assert (stop.is_set(), other.is_set()) == (True, False)


@SIGNALS
def test_a_signal_waits_for_the_end_of_what_is_held(stop: Stop, number: int, code: int) -> None:
    steps = []

    def hold() -> None:
        with held():
            receive(number)
            with held():
                receive(number)
            steps.append("done")

    with pytest.raises(KeyboardInterrupt):
        hold()

    assert steps == ["done"]
    assert stop.exit_code == code
    with held():
        steps.append("nothing is due any more")


def test_another_thread_holds_nothing(stop: Stop) -> None:
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with held():
            entered.set()
            leave.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    entered.wait()
    with pytest.raises(KeyboardInterrupt):
        receive(signal.SIGTERM)
    leave.set()
    thread.join()


@SIGNALS
def test_a_signal_in_a_callback_whose_exceptions_python_ignores_is_repeated(
    stop: Stop, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    class Thing:
        pass

    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)  # to be restored
    stop.insist()
    thing = Thing()
    reference = weakref.ref(thing, lambda _: receive(number))
    del thing  # its callback is interrupted, and nothing else is

    with pytest.raises(KeyboardInterrupt):
        threading.Event().wait(30)
    assert (reference(), stop.exit_code) == (None, code)
