"""The file operations that guarding a checkpoint needs, on this machine or on any file system that Spark supports."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

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
        """Write a file that appears only once it is complete."""


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
        with self._errors():
            return [entry.name for entry in path.iterdir()] if path.is_dir() else []

    def read(self, name: str) -> str | None:
        """See `Folder`."""
        path = self.path / name
        with self._errors():
            return path.read_text("utf-8", "replace") if path.exists() else None

    def write(self, name: str, text: str) -> None:
        """See `Folder`."""
        part = self.path / f".{name}.part"
        with self._errors():
            self.path.mkdir(parents=True, exist_ok=True)
            with part.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path / name)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SfPoliceError(f"cannot use {error.filename or self.path}: {folder_reason(error)}") from error


class HadoopFolder:
    """A folder on any file system that Spark supports (`hdfs://`, `s3a://`, …)."""

    def __init__(self, session: Any, uri: str) -> None:
        self._jvm = session._jvm
        self._path = self._jvm.org.apache.hadoop.fs.Path(uri)
        self._fs = self._path.getFileSystem(session._jsc.hadoopConfiguration())

    def _at(self, name: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(self._path, name) if name else self._path

    def names(self, folder: str) -> list[str]:
        """See `Folder`."""
        path = self._at(folder)
        return [status.getPath().getName() for status in self._fs.listStatus(path)] if self._fs.exists(path) else []

    def read(self, name: str) -> str | None:
        """See `Folder`."""
        if not self._fs.exists(self._at(name)):
            return None
        stream = self._fs.open(self._at(name))
        try:
            return bytes(stream.readAllBytes()).decode("utf-8", "replace")
        finally:
            stream.close()

    def write(self, name: str, text: str) -> None:
        """See `Folder`."""
        part = self._at(f".{name}.part")
        stream = self._fs.create(part, True)
        stream.write(bytearray(text.encode()))
        stream.close()
        if not self._fs.rename(part, self._at(name)):
            raise SfPoliceError(f"cannot write {self._at(name)}: another file is in its place")
