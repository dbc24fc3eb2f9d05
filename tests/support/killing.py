"""Ends a command as a power cut would."""

from __future__ import annotations

import os
import signal
import subprocess


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a command and all it has started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
