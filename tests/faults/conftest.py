"""Brokers that can be killed, and a line for each fault in a table at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.brokers import Brokers
from tests.support.fault_table import TABLE


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if TABLE:
        terminalreporter.section("what it survives")
        terminalreporter.line("| fault | outcome | seconds to recover |")
        terminalreporter.line("| --- | --- | --- |")
        for fault, outcome, seconds in TABLE:
            terminalreporter.line(f"| {fault} | {outcome} | {seconds:.1f} |")


@pytest.fixture(params=[1])
def brokers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Brokers]:
    brokers = Brokers(tmp_path / "brokers", request.param)
    try:
        brokers.start()
        yield brokers
    finally:
        brokers.stop()
