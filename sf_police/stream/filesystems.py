"""The file operations that guarding a checkpoint needs, on this machine or on any file system that Spark supports."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

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
