"""The most memory that a command has had."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

# To the system, a process has had all that the one had which started it. So a small one starts it.
_STARTER = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


def run_measured(
    command: Sequence[str], *, env: Mapping[str, str], cwd: Path
) -> tuple[subprocess.CompletedProcess[str], int]:
    """Run a command; return what came of it, and its most resident memory in MB."""
    started = [sys.executable, "-c", _STARTER, *command]
    done = subprocess.run(started, env=env, cwd=cwd, capture_output=True, text=True, check=False)
    most = int(done.stdout.splitlines()[-1])
    return done, most // (1 << 20 if sys.platform == "darwin" else 1 << 10)
