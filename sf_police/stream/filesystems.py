"""The file operations that guarding a checkpoint needs, on this machine or on any file system that Spark supports."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from pyspark.sql import SparkSession

from sf_police.checks import has_scheme, is_loopback
from sf_police.config import local_path
from sf_police.errors import SfPoliceError, UsageError, folder_reason


def spark_location(checkpoint: str) -> str:
    """Return the checkpoint as Spark is given it: a folder on this machine is one whatever Hadoop's default is."""
    path = local_path(checkpoint)
    # Hadoop takes what follows the scheme literally: nothing is to be escaped.
    return f"file://{os.path.realpath(path)}" if path else checkpoint


def ensure_shared(checkpoint: str, master: str) -> None:
    """Raise UsageError if executors on other machines would keep their state in folders of their own.

    Each executor writes its part of the state into the checkpoint. Where that is a path of this machine, it would lie
    on the worker's disk, and be gone with the worker. A URI `file:` says that the folder is shared, as by NFS.
    """
    path = local_path(checkpoint)
    if path is None or is_loopback(master) or has_scheme(checkpoint):
        return
    raise UsageError(
        f"SPARK_MASTER={master} runs on other machines, and the checkpoint {checkpoint} is a folder of this one: the "
        "state would be lost with a worker",
        remedy="set CHECKPOINT to what all of them see, such as hdfs://… or s3a://…; if they share that folder, to "
        f"file://{os.path.abspath(path)}",
    )


def is_said_to_be_shared(checkpoint: str, master: str) -> bool:
    """Return whether a folder of this machine is given to executors on others."""
    return local_path(checkpoint) is not None and not is_loopback(master)


def ensure_seen(session: SparkSession, checkpoint: str, *, tasks: int) -> None:
    """Raise SfPoliceError if a machine of the cluster does not see the checkpoint's metadata.

    Args:
        session: whose executors are asked.
        checkpoint: a folder with metadata in it.
        tasks: how many run at once, so that each executor gets one.
    """
    paths = [f"{spark_location(checkpoint)}/metadata"] * tasks
    # A file that is missing is no row; an error would be tried again on a machine that sees it.
    found = session.read.option("ignoreMissingFiles", True).text(paths, wholetext=True).count()
    if found < tasks:
        raise SfPoliceError(
            f"not all machines of {session.sparkContext.master} see the checkpoint {checkpoint}: {tasks - found} of "
            f"{tasks} tasks did not find its metadata",
            remedy="set CHECKPOINT to a folder that they share, or to hdfs://… or s3a://…",
        )


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
