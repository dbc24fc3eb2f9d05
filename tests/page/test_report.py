"""The report's HTML file, opened from a disk: its charts and tables are there, and it asks for nothing else."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sf_police.cli import main
from tests.support.browser import Browser
from tests.support.stores import StoredCalls

_SHOWN = """() => [...document.querySelectorAll('.chart')].map((chart) => [chart.id, chart.view.data('rows').length])"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_report_is_one_file_that_needs_nothing_else(
    quarter: StoredCalls, browser: Browser, tmp_path: Path, capsys: pytest.CaptureFixture[str], scheme: Any
) -> None:
    assert main(["report", "--store", quarter.url, "--to", str(tmp_path / "report")]) == 0
    path = (tmp_path / "report" / "report.html").rename(tmp_path / "alone.html")
    asked: list[str] = []
    faults: list[str] = []

    with closing(browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme)) as context:
        context.on("request", lambda request: asked.append(request.url))
        context.on("console", lambda message: faults.append(message.text))
        context.on("weberror", lambda error: faults.append(str(error.error)))
        page = context.new_page()
        page.goto(path.as_uri())
        page.wait_for_selector("body[data-all]", timeout=30_000)

        drawn = dict(page.evaluate(_SHOWN))
        assert set(drawn) == {"c-windows", "c-volume", "c-shares", "c-outcomes", "c-hours"}
        assert min(drawn.values()) > 0
        assert page.locator("#t-kinds tbody tr").count() == 50
        assert page.locator("#t-health tbody tr").count() == 20
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    assert asked == [path.as_uri()]
    assert faults == []
    assert capsys.readouterr().err == ""
