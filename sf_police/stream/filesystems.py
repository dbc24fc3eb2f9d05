"""The file operations that guarding a checkpoint needs, on this machine or on any file system that Spark supports."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from sf_police.config import local_path
from sf_police.errors import SfPoliceError, folder_reason


def spark_location(checkpoint: str) -> str:
    """Return the checkpoint as Spark is given it: a folder on this machine is one whatever Hadoop's default is."""
    path = local_path(checkpoint)
    # Hadoop takes what follows the scheme literally: nothing is to be escaped.
    return f"file://{os.path.realpath(path)}" if path else checkpoint


class Folder(Protocol):
    """A checkpoint's folder, on any file system."""

    def names(self, folder: str) -> list[str]:
        """Return the names in a sub-folder, "" for the folder itself; none if it does not exist."""

    def read(self, name: str) -> str | None:
        """Return the text of a file; None if it does not exist."""

    def write(self, name: str, text: str) -> None:
        """Write a file that appears only once it is complete, in place of one that is there."""

    def create(self, name: str, text: str) -> None:
        """Write a file that appears only once it is complete. Raises SfPoliceError if it is there by then."""

    def delete(self, name: str) -> None:
        """Delete a file, or a sub-folder with all that is in it; a link, and not what it leads to."""

    def remove(self) -> None:
        """Delete the folder itself, which is empty; a link stays."""

    def at(self, name: str) -> str:
        """Return where a name is, for people."""


class LocalFolder:
    """A folder on this machine.

    Raises:
        SfPoliceError: a file is in its place, or it cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.exists() and not path.is_dir():
            raise SfPoliceError(f"the checkpoint {path} is a file", remedy="set CHECKPOINT to a folder")

    def names(self, folder: str) -> list[str]:
        """See `Folder`."""
        path = self.path / folder
        with self._errors("use"):
            return [entry.name for entry in path.iterdir()] if path.is_dir() else []

    def read(self, name: str) -> str | None:
        """See `Folder`."""
        path = self.path / name
        with self._errors("use"):
            return path.read_text("utf-8", "replace") if path.exists() else None

    def write(self, name: str, text: str) -> None:
        """See `Folder`."""
        part = self.path / f".{name}.part"
        with self._errors("use"):
            self.path.mkdir(parents=True, exist_ok=True)
            with part.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path / name)

    def create(self, name: str, text: str) -> None:
        """See `Folder`: the checkpoint's lock keeps others out in between."""
        if self.read(name) is not None:
            raise taken(self.at(name))
        self.write(name, text)

    def delete(self, name: str) -> None:
        """See `Folder`."""
        path = self.path / name
        with self._errors("delete"):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()

    def remove(self) -> None:
        """See `Folder`."""
        with self._errors("delete"):
            if not self.path.is_symlink():
                self.path.rmdir()

    def at(self, name: str) -> str:
        """See `Folder`."""
        return str(self.path / name)

    @contextmanager
    def _errors(self, verb: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SfPoliceError(f"cannot {verb} {error.filename or self.path}: {folder_reason(error)}") from error


def taken(place: str) -> SfPoliceError:
    """Return the error of a file that somebody else has written since it was looked for."""
    return SfPoliceError(
        f"cannot write {place}: another file is in its place",
        remedy="another stream may have been started on this checkpoint: look at that one, or run again",
    )
