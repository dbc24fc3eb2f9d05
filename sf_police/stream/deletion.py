"""Deletes a checkpoint, once it is proven to be ours, and leaves what others have put into its folder."""

from __future__ import annotations

import json
from typing import Any

from sf_police.errors import SfPoliceError
from sf_police.stream.checkpoint import FILES, FOLDERS, MARKER, ensure_its_store, read_id
from sf_police.stream.filesystems import Folder


def ensure_ours(folder: Folder, checkpoint: str, stream: str | None) -> None:
    """Prove that the checkpoint is ours to delete, if there is one.

    Args:
        folder: its folder.
        checkpoint: the same, as it is set.
        stream: id of the query that the store belongs to; None if there is none, or the store is damaged.

    Raises:
        SfPoliceError: it neither has our marker nor is the store's.
    """
    names = folder.names("")
    if not names or MARKER in names or (stream is not None and read_id(folder) == stream):
        return
    raise SfPoliceError(
        f"{checkpoint} is not a checkpoint of this program (no {MARKER} in it, and the store is not of its query); "
        "nothing was deleted",
        remedy="set CHECKPOINT or STATE_DIR to the stream's, or delete the folder yourself",
    )


def ensure_together(folder: Folder, checkpoint: str, where: str, stream: tuple[str, dict[str, Any]] | None) -> None:
    """Prove that the checkpoint and the store are one stream's, as far as they say whose they are.

    Args:
        folder: the checkpoint's, which is ours.
        checkpoint: the same, as it is set.
        where: the store, in the words of `Database.where`.
        stream: that the store belongs to, with its settings; None if there is none, or the store is damaged.

    Raises:
        SfPoliceError: one of them belongs to another.
    """
    if stream is not None and read_id(folder) != stream[0]:
        ensure_its_store(checkpoint, where, stream[1])


def names_store(folder: Folder, store: str) -> bool:
    """Return whether the checkpoint's marker names this store, in the words of `Database.where`."""
    try:
        return bool(json.loads(folder.read(MARKER) or "{}").get("store") == store)
    except (ValueError, AttributeError):
        return False


def delete(folder: Folder) -> list[str]:
    """Delete what Spark and we write into a checkpoint, and the folder if nothing else is in it; return what is left.

    An empty folder is somebody's preparation, and stays.

    To be called after `ensure_ours`.
    """
    names = folder.names("")
    left = []
    # The marker goes last: a deletion that was cut short is still one of ours.
    for name in sorted(names, key=lambda name: name == MARKER):
        if name not in FOLDERS and not FILES.fullmatch(name):
            left.append(folder.at(name))
        else:
            folder.delete(name)
    if names and not left:
        folder.remove()
    return left
