"""The files of `fixtures/`: calls, and what was computed from them by hand."""

from __future__ import annotations

import csv

from tests.support.environment import ROOT

FIXTURES = ROOT / "fixtures"


def read_csv(name: str) -> list[dict[str, str]]:
    """Rows of a fixture that was computed by hand."""
    with (FIXTURES / name).open(newline="") as file:
        return list(csv.DictReader(file))
