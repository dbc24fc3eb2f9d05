"""Brokers that can be killed, and a line for each fault in a table at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.brokers import Brokers
from tests.support.fault_table import TABLE

ROWS: list[Any] = []


def pytest_runtest_teardown(item: pytest.Item) -> None:
    # By way of the report, as a test may run in another process than the one that prints the table (pytest -n).
    item.user_properties += [("fault", row) for row in TABLE]
    TABLE.clear()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "teardown":
        ROWS.extend(row for name, row in report.user_properties if name == "fault")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if ROWS:
        terminalreporter.section("what it survives")
        terminalreporter.line("| fault | outcome | seconds to recover |")
        terminalreporter.line("| --- | --- | --- |")
        for fault, outcome, seconds in ROWS:
            terminalreporter.line(f"| {fault} | {outcome} | {seconds:.1f} |")


@pytest.fixture(params=[1])
def brokers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Brokers]:
    brokers = Brokers(tmp_path / "brokers", request.param)
    try:
        brokers.start()
        yield brokers
    finally:
        brokers.stop()
