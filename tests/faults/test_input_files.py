"""Files that are no ordinary files: a FIFO, a line without an end, one that is cut while it is read."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.builders import a_call
from tests.support.environment import ROOT
from tests.support.fault_table import fault
from tests.support.job import Job


@pytest.mark.quick
def test_a_fifo_is_a_file_like_any_other(make_job: Callable[..., Job], tmp_path: Path) -> None:
    job = make_job()
    fifo = tmp_path / "calls.json"
    os.mkfifo(fifo)
    text = json.dumps([a_call(crime_id=str(n)) for n in range(1000)])
    writer = threading.Thread(target=lambda: fifo.write_text(text))
    writer.start()

    with fault("the file is a FIFO", "sent"):
        done = job.run("produce", str(fifo))
    writer.join()
    assert "acknowledged 1,000" in done.stderr


@pytest.mark.quick
def test_a_line_of_200_megabytes_is_refused_in_bounded_memory(make_job: Callable[..., Job], tmp_path: Path) -> None:
    job = make_job()
    path = tmp_path / "line.json"
    with path.open("w") as file:
        file.write('[{"crime_id":"')
        for _ in range(200):
            file.write("x" * 1_000_000)
        file.write('"}]')
    limit = 700 << 20
    command = [sys.executable, "-m", "sf_police", "produce", str(path)]

    with fault("a single line of 200 MB", "refused, nothing sent, under 700 MB of address space"):
        done = subprocess.run(
            command, env=job.env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        )  # fmt: skip
    assert done.returncode == 1
    assert re.search(
        r"at byte 1: not JSON, or a record of more than 16,777,216 characters; nothing was sent", done.stderr
    )


@pytest.mark.quick
def test_a_file_that_is_cut_while_it_is_read_is_refused(make_job: Callable[..., Job], tmp_path: Path) -> None:
    job = make_job()
    fifo = tmp_path / "calls.json"
    os.mkfifo(fifo)
    text = json.dumps([a_call(crime_id=str(n)) for n in range(9000)])
    writer = threading.Thread(target=lambda: fifo.write_text(text[: len(text) // 2]))
    writer.start()

    with fault("the file ends while it is read", "refused with the byte, nothing sent"):
        done = job.run("produce", str(fifo), check=False)
    writer.join()
    assert done.returncode == 1
    assert "cut short inside a record; nothing was sent" in done.stderr
    assert ": 0 offsets" in job.run("inspect").stdout
