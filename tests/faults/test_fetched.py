"""`fetch` of 2,000,000 rows, killed twice: each is in the file once, in bounded memory."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from tests.support.city import BEGIN, ManyRows
from tests.support.environment import ROOT, clean_environment
from tests.support.fault_table import fault
from tests.support.killing import kill
from tests.support.memory import run_measured
from tests.support.socrata import open_data
from tests.support.waiting import eventually

ROWS = 2_000_000
MOST_MB = 500


def test_two_million_rows_killed_twice(tmp_path: Path, say_aloud: Callable[[str], None]) -> None:
    rows, path = ManyRows(ROWS, seconds=5), tmp_path / "calls.json.gz"
    last = BEGIN + timedelta(seconds=5 * ROWS)
    command = [sys.executable, "-m", "sf_police", "fetch", "--from", f"{BEGIN:%Y-%m-%d}", "--to", f"{last:%Y-%m-%d}"]
    part = tmp_path / "calls.json.gz.part"
    with fault("fetch of 2,000,000 rows killed twice", "exact"), open_data(**{"2zdj_bwza": rows}) as server:
        env = clean_environment(FEED_HOST=server.url, DATA=str(path), STATE_DIR=str(tmp_path / "state"))
        for size in (4_000_000, 9_000_000):
            process = subprocess.Popen(
                command, env=env, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True
            )

            def is_so_far(size: int = size) -> None:
                assert part.stat().st_size > size

            eventually(is_so_far, AssertionError, FileNotFoundError, seconds=600)
            kill(process)
        done, used_mb = run_measured(command, env=env, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    say_aloud(f"{done.stderr.splitlines()[-1]}; {used_mb:,.0f} MB at most, {path.stat().st_size / 1e6:,.0f} MB on disk")

    with gzip.open(path, "rt") as file:
        found = [int(re.search(r'"crime_id":"26(\d+)"', line)[1]) for line in file]  # type: ignore[index]
    assert found == list(range(ROWS))
    assert used_mb < MOST_MB
    assert sorted(each.name for each in tmp_path.iterdir()) == ["calls.json.gz"]
