"""The question of docs/your-own-topic.md by the page's own commands: as a stranger has it, in a clone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import own_topic
from tests.support.job import Job

# Of what a command prints: the lines that the page shows.
_SHOWN = re.compile(r"^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.timeout(900)  # six commands of several programs each
def test_the_pages_commands_do_what_it_says(make_job: Callable[..., Job], tmp_path: Path) -> None:
    job = make_job(partitions=0)
    clone = tmp_path / "clone"
    clone.mkdir()
    own_topic.make_clone(clone)
    for path in own_topic.blocks():
        own_topic.write_block(clone, path)
    # As installed: `make install` would make this environment the clone's.
    env = {**job.env, "SF_POLICE_VENV": sys.prefix}
    said = {}
    for command in own_topic.commands():
        without_install = command.replace("make ", "make -o install ", 1).replace(".venv/bin/python", sys.executable, 1)
        done = subprocess.run(
            ["bash", "-c", without_install],
            cwd=clone,
            env=env,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
        words = command.split()
        said[words[1] if words[0] == "make" else words[-1]] = done.stdout + done.stderr

    assert list(said) == [
        "demo", "answer", "trace", "verify", "report", "run-stream", "topic-inspect", "rejected", "late"
    ]  # fmt: skip
    [shown] = _SHOWN.findall(own_topic.PAGE.read_text("utf-8"))
    own = shown.replace(".venv/bin/python", os.path.relpath(sys.executable, clone))
    assert [line for line in own.splitlines() if line not in said["demo"].splitlines()] == []
    assert "depot" in said["answer"]
    assert "store        X7: 1 scan, grams 75" in said["trace"]
    assert said["verify"].count("equal ") == 8
    assert (job.state / "parcels" / "report" / "report.html").exists() or "report.html" in said["report"]
    assert "belongs to the store, at micro-batch 0" in said["run-stream"]
    assert "grams is not an integer within 64 bits" in said["rejected"]
    assert said["late"] == "nothing was late\n"
