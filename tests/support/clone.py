"""A clone in small, so that scripts under test cannot touch this one."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.support.environment import ROOT

_SUMS = Path("sf_police") / "spark" / "jars.sha256"


def copy_scripts(folder: Path) -> None:
    """Copy the scripts and the checksums that they read."""
    shutil.copytree(ROOT / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / _SUMS).parent.mkdir(parents=True)
    shutil.copy(ROOT / _SUMS, folder / _SUMS)
