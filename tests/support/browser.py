"""Chromium, as a person sees the page in it, and all that no page may do. Without it, who imports this is skipped."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.dashboard import Dashboard
from tests.support.waiting import eventually

EXECUTABLE = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if EXECUTABLE is None:
    pytest.skip("there is no Chromium (Debian: apt-get install chromium)", allow_module_level=True)
try:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import Browser, ConsoleMessage, Dialog, Locator, Page, expect, sync_playwright
except ImportError:
    pytest.skip("playwright is not installed: `make test-page` brings it", allow_module_level=True)

__all__ = ["Axe", "Browser", "Locator", "Page", "Viewer", "expect", "launched"]

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1600, "height": 1000}
# What a dashboard that has ended makes a browser say.
LOST = "ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE"

# Kept by the browser for the tests: layout shifts; and when each version of the store was first drawn, by its clock.
_OBSERVE = """
addEventListener("securitypolicyviolation", (event) => {
  console.error(`refused by the policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const moved = entry.sources.map(({ node }) => node?.id || node?.parentElement?.id || node?.nodeName);
    if (!entry.hadRecentInput) window.shifts.push({ value: entry.value, moved });
  }
}).observe({ type: "layout-shift", buffered: true });
window.drawn = {};
addEventListener("DOMContentLoaded", () => {
  new MutationObserver(() => {
    const version = document.body.dataset.first;
    if (!(version in window.drawn)) requestAnimationFrame(() => { window.drawn[version] ??= Date.now(); });
  }).observe(document.body, { attributes: true, attributeFilter: ["data-first"] });
});
"""
_TABLE = """(id) => {
  const rows = [...document.querySelectorAll(`#${id} tr`)];
  return rows.map((row) => [...row.cells].map((cell) => cell.textContent));
}"""


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser without windows."""
    # Root has no sandbox in Chromium.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=arguments)
        yield browser
        browser.close()


class Viewer:
    """A person with a browser profile of their own, and one page. What the page does wrong is in `faults`."""

    def __init__(self, browser: Browser, dashboard: Dashboard, *, allowed: str = "", **options: Any) -> None:
        self.dashboard, self.faults, self._allowed = dashboard, [], allowed
        self.context = browser.new_context(**{"viewport": DESKTOP, **options})
        self.context.set_default_timeout(10_000)
        self.context.add_init_script(_OBSERVE)
        self.context.on("console", self._heard)
        self.context.on("dialog", self._asked)
        self.context.on("weberror", lambda error: self.faults.append(f"an exception: {error.error}"))
        self.requests: list[str] = []
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.page: Page = self.context.new_page()

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not (self._allowed and re.search(self._allowed, message.text)):
            self.faults.append(f"the console has: {message.text} ({message.location})")

    def _asked(self, dialog: Dialog) -> None:
        self.faults.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def open(self, query: str = "") -> Viewer:
        """Open the page with a choice in its address, and wait until all is there."""
        self.page.goto(f"{self.dashboard.address}{query}")
        return self.settle()

    def settle(self, batch: int | None = None) -> Viewer:
        """Wait until the page shows what the dashboard knows; with this micro-batch, if one is given."""
        version = self.dashboard.version_with(batch)

        def is_shown() -> None:
            assert int(self.page.locator("body").get_attribute("data-shown") or -1) >= version
            assert self.page.locator("main").get_attribute("aria-busy") == "false"

        eventually(is_shown, AssertionError, seconds=20)
        return self

    def text(self, selector: str) -> str:
        """The text of an element, as it is in the document."""
        return self.page.locator(selector).text_content() or ""

    def table(self, name: str) -> list[list[str]]:
        """The rows of a table without its head."""
        rows: list[list[str]] = self.page.evaluate(_TABLE, name)
        return rows[1:]

    def close(self) -> None:
        """Close the page. Fails if it did what no page may do."""
        foreign = [url for url in self.requests if not url.startswith((self.dashboard.address, "data:", "blob:"))]
        self.context.close()
        found = [*self.faults, *foreign]
        assert not found, "\n".join(found)
