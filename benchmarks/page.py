"""How fast the page is, `make bench-page`: until the first chart on a quarter's counts and on 15,000,000, and from a
commit of the store until it is seen. In Chromium, on a dashboard that runs; each figure is of several repetitions.
"""

from __future__ import annotations

import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks import common
from benchmarks.targets import sf_police
from sf_police.calls import QUESTION
from sf_police.store.database import open_database
from sf_police.store.views import EVER, kept_totals
from sf_police.store.writer import StoreWriter
from tests.support.brokers import free_ports
from tests.support.builders import store_batch
from tests.support.environment import clean_environment

MANY = 2_000_000 if common.IS_QUICK else 15_000_000
REPEATS = common.repeats(quick=3, full=10)
COMMITS = common.repeats(quick=10, full=40)
_WAIT_MS = 120_000
# When each version of the store was drawn, by the browser's clock, which is this machine's. (The page's policy forbids
# the evaluation of strings, so Playwright cannot wait for a function.)
_OBSERVE = """() => {
  window.drawn = {};
  new MutationObserver(() => {
    const version = document.body.dataset.first;
    if (!(version in window.drawn)) requestAnimationFrame(() => { window.drawn[version] ??= Date.now(); });
  }).observe(document.body, { attributes: true, attributeFilter: ["data-first"] });
}"""
_DRAWN = """(before) => {
  const times = Object.entries(window.drawn).filter(([version]) => version > before).map(([, time]) => time);
  const isDone = document.body.dataset.all === document.body.dataset.first;
  return times.length && isDone ? Math.min(...times) : 0;
}"""


def quarter_counts() -> list[tuple[str, str, str, str, int]]:
    """Return a generated quarter's counts: start, end, crime type, resolution, calls."""
    counted = common.expected_counts(record.value for record in common.many_records(common.QUARTER))
    half_hour = timedelta(minutes=30)
    return [
        (start, str(datetime.fromisoformat(start) + half_hour), name, resolution, calls)
        for (start, name, resolution), calls in common.by_resolution(counted).items()
    ]


def fill(folder: Path, counts: list[tuple[str, str, str, str, int]], *, most: int = 0) -> int:
    """Store the counts as one batch; then copies of them in earlier quarters, up to `most` rows. Return how many."""
    folder.mkdir()
    path = folder / "answers.db"
    with closing(open_database(f"sqlite:///{path}", QUESTION)) as database:
        store_batch(database, counts)
    with closing(sqlite3.connect(path)) as connection:
        copies = max(0, most // len(counts) - 1)
        for copy in range(1, copies + 1):
            connection.execute(
                "INSERT INTO counts SELECT datetime(window_start, ?), datetime(window_end, ?), crime_type, resolution, "
                "calls FROM counts WHERE window_start >= '2018-10-01' ORDER BY window_start",
                (f"-{92 * copy} days", f"-{92 * copy} days"),
            )
        calls = sum(row[-1] for row in counts) * (copies + 1)
        connection.execute("UPDATE batches SET read = ?, counted = ?", (calls, calls))
        connection.execute("UPDATE batches SET end_offsets = ?", (f'{{"0": {calls}}}',))
        connection.commit()
        for totals in kept_totals(QUESTION.answers).values():
            connection.execute(f"DELETE FROM {totals.table}")
        connection.execute("UPDATE settled SET until = ?", (str(EVER[0]),))
        connection.commit()
        [rows] = connection.execute("SELECT COUNT(*) FROM counts").fetchone()
    with closing(open_database(f"sqlite:///{path}", QUESTION)) as database:
        writer = StoreWriter(database)
        while writer.settle():
            pass
    return int(rows)


@contextmanager
def dashboard(folder: Path) -> Iterator[str]:
    """Run a dashboard on the store; yield its address, once it answers."""
    port = free_ports()
    command = sf_police("dashboard", "--dashboard-port", str(port))
    env = clean_environment(STATE_DIR=str(folder))
    process = subprocess.Popen(command, env=env, cwd=common.ROOT, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr
        for line in process.stderr:
            if line.startswith("dashboard: "):
                break
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(timeout=60)


def opened(browser: Browser, url: str, *, until: str) -> float:
    """Return the seconds from the navigation in a fresh profile until an attribute of the body is there."""
    with closing(browser.new_context()) as context:
        page = context.new_page()
        started = time.monotonic()
        page.goto(url, wait_until="commit")
        page.wait_for_selector(f"body[{until}]", timeout=_WAIT_MS)
        return time.monotonic() - started


def first_charts(browser: Browser, folder: Path) -> dict[str, Any]:
    """Measure until the first chart: of a dashboard just started, and of one that runs."""
    started = time.monotonic()
    with dashboard(folder) as url:
        from_start = opened(browser, url, until="data-first")
        whole = time.monotonic() - started
        running = [opened(browser, url, until="data-first") for _ in range(REPEATS)]
    return {"from_the_start_of_the_dashboard_s": round(whole, 2), "first_open_s": round(from_start, 2),
            "first_chart_s": common.spread(running)}  # fmt: skip


def commits_to_pixel(browser: Browser, folder: Path) -> dict[str, float]:
    """Measure from a commit of the store until the page has drawn it, in milliseconds."""
    url = f"sqlite:///{folder / 'answers.db'}"
    with (
        dashboard(folder) as address,
        closing(open_database(url, QUESTION)) as database,
        closing(browser.new_context()) as context,
    ):
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector("body[data-all]", timeout=_WAIT_MS)
        page.evaluate(_OBSERVE)
        return common.spread([_commit_to_pixel(page, database) for _ in range(COMMITS)], 0)


def _commit_to_pixel(page: Page, database: Any) -> float:
    before = int(page.evaluate("document.body.dataset.first"))
    # As of a stream that has got there: windows before the watermark are not read again.
    counts = [("2018-12-31 23:30:00", "2019-01-01 00:00:00", "Passing Call", "Handled", 3)]
    store_batch(database, counts, watermark=datetime(2018, 12, 31, 23, 20))
    committed = time.time() * 1000
    until = time.monotonic() + _WAIT_MS / 1000
    while time.monotonic() < until:
        drawn = page.evaluate(_DRAWN, before)
        if drawn:
            return float(drawn) - committed
        time.sleep(0.005)
    raise SystemExit("the page has not followed a commit")


def main() -> None:
    """Measure, and write the result."""
    chromium = common.chromium()
    result: dict[str, Any] = {"machine": common.machine(), "repeats": REPEATS}
    with (
        tempfile.TemporaryDirectory() as name,
        sync_playwright() as playwright,
        closing(playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])) as browser,
        common.progress_bar("page", 3) as advance,
    ):
        counts = quarter_counts()
        for label, most in (("quarter", 0), ("many", MANY)):
            folder = Path(name) / label
            advance(f"the first chart, {label}")
            rows = fill(folder, counts, most=most)
            result[label] = {"counts": rows, **first_charts(browser, folder)}
        advance("from commit to pixel")
        result["commit_to_pixel_ms"] = commits_to_pixel(browser, Path(name) / "quarter")
    common.save_result("page", result)


if __name__ == "__main__":
    main()
