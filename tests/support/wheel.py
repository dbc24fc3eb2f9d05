"""The package as a wheel, built from this clone's files."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.support.environment import ROOT

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


def built_wheel(folder: Path) -> Path:
    """The wheel, in this folder."""
    source = folder / "source"
    source.mkdir()
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("sf_police", "scripts"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source)]
    subprocess.run([*PIP, *build], check=True, timeout=120)
    [wheel] = folder.glob("*.whl")
    return wheel


def submit_file(wheel: Path) -> Path:
    """The file for spark-submit that is in the wheel, beside it, as the documents say to take it out."""
    with zipfile.ZipFile(wheel) as packed:
        [name] = [name for name in packed.namelist() if name.endswith("/share/sf-police/submit.py")]
        path = wheel.parent / "submit.py"
        path.write_bytes(packed.read(name))
    return path
