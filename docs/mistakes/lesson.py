"""A lesson: a folder with a mistake, the learner's exercise, a solution, and the check that tells them apart."""

from __future__ import annotations

import logging
import runpy
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docs.mistakes.bench import Bench

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Result:
    """What a check found, in words with numbers, and whether that is as it should be."""

    is_green: bool
    said: str


def lost(count: int, of: int, what: str = "calls") -> Result:
    """Return the result of a check that counts what is missing: green if nothing is."""
    return Result(count == 0, f"lost {count:,} of {of:,} {what}" if count else f"lost none of {of:,} {what}")


@dataclass(frozen=True)
class Lesson:
    """A folder of `docs/mistakes/`, such as `01-newest-first`."""

    folder: Path

    @property
    def number(self) -> int:
        """The number that its name begins with."""
        return int(self.folder.name[:2])

    def read(self, file: str) -> SimpleNamespace:
        """Run one of its files, as it is now, and return the names that it defines."""
        return SimpleNamespace(**runpy.run_path(str(self.folder / file)))

    def run(self, file: str, bench: Bench) -> Result:
        """Check `mistake.py`, `exercise.py` or `solution.py`; an exception in that file is red, too."""
        check = self.read("check.py")
        try:
            result: Result = check.check(self.read(file), bench)
        except Exception as error:
            logging.getLogger(__name__).info("%s of %s", file, self.folder.name, exc_info=error)
            return Result(False, self._failure(error, file))
        return result

    def _failure(self, error: Exception, file: str) -> str:
        # Where the learner's own code was, however deep in Spark the error came up; elsewhere it is an error of ours.
        path = str(self.folder / file)
        text = f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"
        if isinstance(error, SyntaxError) and error.filename == path:
            return f"{file}, line {error.lineno}: {text}"
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
        if not frames:
            raise error
        return f"{file}, line {frames[-1].lineno}: {text}"


def lessons() -> list[Lesson]:
    """Return all lessons, by number."""
    return [Lesson(folder) for folder in sorted(HERE.glob("[0-9][0-9]-*"))]
