"""Where the repository is, and the environment of the commands under test."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sf_police import config, environment

ROOT = Path(__file__).parent.parent.parent
# What the user has set must not reach the commands under test, but for where the jars and the broker are.
KEPT = (
    "PATH", "HOME", "JAVA_HOME", "LANG", "TMPDIR", "KAFKA_HOME", "SF_POLICE_REAL_FILE", "VIRTUAL_ENV",
    "SF_POLICE_JARS_DIR", "SF_POLICE_JAVA_HOME", "SF_POLICE_KAFKA_HOME",
)  # fmt: skip
SETTINGS = {field.name.upper() for field in config.settings()}


def variables(**settings: str) -> dict[str, str]:
    """Settings by their plain names, as the variables that set them; other variables as they are."""
    return {f"{environment.PREFIX}{name}" if name in SETTINGS else name: text for name, text in settings.items()}


def clean_environment(**extra: str) -> dict[str, str]:
    """The environment of a command or a script; settings are in it by their plain names, too, for tests to look up."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**kept, "PYTHON": sys.executable, **extra, **variables(**extra)}
