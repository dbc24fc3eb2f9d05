"""The page's files: those of the package, and those that are made at install (`make.py`)."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from importlib.resources import files
from pathlib import Path
from typing import Final

from sf_police.errors import SfPoliceError
from sf_police.page import make
from sf_police.question import Question

_STATIC: Final = (
    "index.html", "page.css", "page.js", "app.js", "choice.js", "choose.js", "panels.js", "status.js", "charts.js",
    "tables.js", "trace.js", "icon.svg",
)  # fmt: skip
_MADE: Final = ("vega.js", "specs.json")


class Assets:
    """The page's files by name."""

    def __init__(self, made: Path) -> None:
        self._content = {name: (files(__package__) / "static" / name).read_bytes() for name in _STATIC}
        self._content |= {name: (made / name).read_bytes() for name in _MADE}
        self._tags = {name: f'"{hashlib.sha256(data).hexdigest()[:20]}"' for name, data in self._content.items()}

    @property
    def names(self) -> Iterable[str]:
        """The names of all files."""
        return self._content.keys()

    def read(self, name: str) -> bytes:
        """Return a file."""
        return self._content[name]

    def tag(self, name: str) -> str:
        """Return what identifies a file's content (an ETag)."""
        return self._tags[name]


def ready_assets(jars_dir: Path, question: Question, *, say: Callable[[str], None]) -> Assets:
    """Return the page's files; what is made once, in a process of its own, is made now if it is missing.

    Raises:
        SfPoliceError: it cannot be made.
    """
    rows, kinds = question.label(question.rows), question.label(question.spread)
    folder = jars_dir / f"page-{_digest(rows, kinds)}"
    if not all((folder / name).is_file() for name in _MADE):
        say("making the page's charts (once)")
        # With the packages of this process, and none of the folder that it was started in.
        command = [sys.executable, "-P", "-m", make.__name__, str(folder), rows, kinds]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)  # noqa: S603 # our own
        if done.returncode:
            said = done.stderr.strip().splitlines() or ["no reason was given"]
            raise SfPoliceError(f"the page's charts cannot be made in {folder}: {said[-1]}", remedy=make.REMEDY)
    return Assets(folder)


def _digest(rows: str, kinds: str) -> str:
    code = [(files(__package__) / name).read_bytes() for name in ("make.py", "specs.py")]
    versions = [f"{name} {_version(name)}" for name in ("altair", "vl-convert-python")]
    return hashlib.sha256(b"".join([*code, json.dumps([rows, kinds, *versions]).encode()])).hexdigest()[:16]


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
