"""The question of docs/your-own-topic.md, written from the page's own blocks into a clone of a test's own."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.environment import ROOT

PAGE = ROOT / "docs" / "your-own-topic.md"
MODULE = "examples.parcels"
FOLDER = "examples/parcels"
# What a clone has that a question's tests and commands need: theirs are links, `examples/` is the test's own.
_LINKED = (
    "conftest.py",
    "Makefile",
    "pyproject.toml",
    "requirements.lock",
    "scripts",
    "setup.cfg",
    "sf_police",
    "tests",
    "ruff.toml",
)


def blocks() -> dict[str, str]:
    """The page's files by path, in the order in which it writes them."""
    found = re.findall(r"^`(examples/\S+)`:\n\n```\w+\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert len(found) == len(dict(found)), "a file is written twice"
    return dict(found)


def commands() -> list[str]:
    """The page's command lines, in order."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [line for language, block in found if not language for line in block.splitlines()]


def make_clone(folder: Path) -> Path:
    """Make a clone in which nothing is asked yet."""
    for name in _LINKED:
        (folder / name).symlink_to(ROOT / name)
    (folder / FOLDER).mkdir(parents=True)
    (folder / "examples" / "__init__.py").touch()
    return folder


def write_block(clone: Path, path: str) -> None:
    """Write one of the page's files."""
    (clone / path).write_text(blocks()[path], "utf-8")
