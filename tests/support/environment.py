"""Where the repository is, and the environment of the commands under test."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
# What the user has set must not reach the commands under test, but for where the jars and the broker are.
KEPT = ("PATH", "HOME", "JAVA_HOME", "JARS_DIR", "LANG", "TMPDIR", "KAFKA_HOME", "SF_POLICE_REAL_FILE", "VIRTUAL_ENV")


def clean_environment(**extra: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**kept, "PYTHON": sys.executable, "PYSPARK_PYTHON": sys.executable, **extra}
