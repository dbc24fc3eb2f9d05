"""Deletes a checkpoint, once it is proven to be ours, and leaves what others have put into its folder."""

from __future__ import annotations

import json
import shutil
from typing import Any

from sf_police.config import local_path
from sf_police.errors import SfPoliceError
from sf_police.stream.checkpoint import FILES, FOLDERS, MARKER, ensure_its_store, read_id
from sf_police.stream.filesystems import LocalFolder


def ensure_ours(checkpoint: str, stream: str | None) -> None:
    """Prove that the checkpoint is ours to delete, if there is one.

    Args:
        checkpoint: its folder.
        stream: id of the query that the store belongs to; None if there is none, or the store is damaged.

    Raises:
        SfPoliceError: it is not on this machine, or neither has our marker nor is the store's.
    """
    path = local_path(checkpoint)
    if path is None:
        raise SfPoliceError(
            f"the checkpoint {checkpoint} is not on this machine", remedy="delete it with its file system's own tool"
        )
    folder = LocalFolder(path)
    names = folder.names("")
    if not names or MARKER in names or (stream is not None and read_id(folder) == stream):
        return
    raise SfPoliceError(
        f"{path} is not a checkpoint of this program (no {MARKER} in it, and the store is not of its query); nothing "
        "was deleted",
        remedy="set CHECKPOINT or STATE_DIR to the stream's, or delete the folder yourself",
    )


def ensure_together(checkpoint: str, where: str, stream: tuple[str, dict[str, Any]] | None) -> None:
    """Prove that the checkpoint and the store are one stream's, as far as they say whose they are.

    Args:
        checkpoint: its folder, which is ours.
        where: the store, in the words of `Database.where`.
        stream: that the store belongs to, with its settings; None if there is none, or the store is damaged.

    Raises:
        SfPoliceError: one of them belongs to another.
    """
    path = local_path(checkpoint)
    if stream is not None and path is not None and read_id(LocalFolder(path)) != stream[0]:
        ensure_its_store(checkpoint, where, stream[1])


def names_store(checkpoint: str, store: str) -> bool:
    """Return whether the checkpoint's marker names this store, in the words of `Database.where`."""
    path = local_path(checkpoint)
    text = LocalFolder(path).read(MARKER) if path else None
    try:
        return bool(json.loads(text or "{}").get("store") == store)
    except (ValueError, AttributeError):
        return False


def is_there(checkpoint: str) -> bool:
    """Return whether there is anything in the checkpoint's folder."""
    path = local_path(checkpoint)
    return path is not None and bool(LocalFolder(path).names(""))


def delete(checkpoint: str) -> list[str]:
    """Delete what Spark and we write into a checkpoint, and the folder if nothing else is in it; return what is left.

    An empty folder is somebody's preparation, and stays.

    To be called after `ensure_ours`.
    """
    path = local_path(checkpoint)
    if path is None or not path.is_dir() or not is_there(checkpoint):
        return []
    left = []
    try:
        # The marker goes last: a deletion that was cut short is still one of ours.
        for entry in sorted(path.iterdir(), key=lambda entry: entry.name == MARKER):
            if entry.name not in FOLDERS and not FILES.fullmatch(entry.name):
                left.append(str(entry))
            elif entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        if not left and not path.is_symlink():
            path.rmdir()
    except OSError as error:
        raise SfPoliceError(f"cannot delete {error.filename or path}: {error.strerror}") from error
    return left
