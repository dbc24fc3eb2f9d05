"""Ctrl-C, SIGTERM and SIGHUP while the stream starts: whatever the moment, no process is left."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable

import pytest

from tests.support.builders import a_value
from tests.support.job import Job, processes_of

SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])


def assert_nothing_is_left(job: Job, number: signal.Signals, after_ms: int) -> None:
    process = job.start("stream")
    try:
        process.wait(after_ms / 1000)
    except subprocess.TimeoutExpired:
        process.send_signal(number)
    _, said = process.communicate(timeout=60)

    assert processes_of(process.pid) == [], f"{number.name} after {after_ms} ms"
    # Killed before Python listens, or interrupted, or, once it counts, ended in order.
    assert process.returncode in (-number, 128 + number, 0), said
    assert process.returncode < 0 or "Traceback" not in said


@SIGNALS
def test_an_interrupt_while_the_stream_starts_leaves_no_process(
    make_job: Callable[..., Job], number: signal.Signals
) -> None:
    job = make_job()
    job.send(a_value())
    for after_ms in range(900, 2500, 300):
        assert_nothing_is_left(job, number, after_ms)


@SIGNALS
def test_an_interrupt_at_any_tenth_of_a_second_leaves_no_process(
    make_job: Callable[..., Job], number: signal.Signals
) -> None:
    job = make_job()
    job.send(a_value())
    for after_ms in range(0, 3000, 100):
        assert_nothing_is_left(job, number, after_ms)
