"""The checkpoint folder as its guard sees it: whose it is, how far it is, and who uses it now.

Spark trusts what it finds there without a word. The guard compares it with the store before Spark reads it: the two
belong together, and go on only together.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from sf_police.config import local_path
from sf_police.errors import SfPoliceError
from sf_police.lock import locked
from sf_police.store.answers import StoreReader
from sf_police.store.tables import Batch
from sf_police.store.writer import StoreWriter
from sf_police.stream.filesystems import Folder

_WAY_OUT: Final = "`make reset` deletes both, then the topic is read again from its start"
# Batches compared: as many as Spark keeps files of.
_KEPT_BATCHES: Final = 100


@contextmanager
def exclusive(checkpoint: str, state_dir: Path) -> Iterator[None]:
    """Hold the checkpoint for one run of this machine; Spark has no lock of its own.

    Raises:
        SfPoliceError: another stream holds it, or its folder cannot be made.
    """
    path = local_path(checkpoint)
    lock = (
        path.with_name(f"{path.name}.lock")
        if path
        else state_dir / f"{uuid.uuid5(uuid.NAMESPACE_URL, checkpoint)}.lock"
    )
    refusal = f"another stream is running on the checkpoint {checkpoint}"
    with locked(lock, refusal, remedy="stop it, or set STATE_DIR to another folder"):
        yield


def delete(checkpoint: str) -> None:
    """Delete the checkpoint folder; fine when there is none. Raises SfPoliceError when it is not on this machine."""
    path = local_path(checkpoint)
    if path is None:
        raise SfPoliceError(
            f"the checkpoint {checkpoint} is not on this machine: delete it with its file system's own tool"
        )
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise SfPoliceError(f"cannot delete {path}: {error.strerror}") from error


def stored_settings(folder: Folder, store: StoreReader, checkpoint: str) -> dict[str, Any] | None:
    """Settings of the stream that checkpoint and store belong to; None when both are new.

    Raises:
        SfPoliceError: they do not belong together, or one is ahead of, behind or other than the other.
    """
    query_id = _query_id(folder, checkpoint)
    stream = store.stream()
    if stream is None or (query_id is None and store.is_empty()):
        if query_id is not None:
            raise SfPoliceError(f"the checkpoint {checkpoint} has no store that belongs to it", remedy=_WAY_OUT)
        return None
    stored_id, settings = stream
    if query_id is None:
        raise SfPoliceError(f"the store has counts, but their checkpoint {checkpoint} is gone", remedy=_WAY_OUT)
    if query_id != stored_id:
        raise SfPoliceError(f"the checkpoint {checkpoint} and the store are of different streams", remedy=_WAY_OUT)
    _compare_batches(folder, store.last_batches(_KEPT_BATCHES), checkpoint)
    error = store.integrity_error()
    if error:
        raise SfPoliceError(f"the store is damaged ({error})", remedy=_WAY_OUT)
    return settings


def adopt(folder: Folder, store: StoreWriter, settings: Mapping[str, Any]) -> None:
    """Make a new checkpoint and the store belong together: the query's id is given here, before Spark makes one."""
    query_id = str(uuid.uuid4())
    store.adopt_stream(query_id, settings)
    folder.write("metadata", json.dumps({"id": query_id}))


def _query_id(folder: Folder, checkpoint: str) -> str | None:
    text = folder.read("metadata")
    if text is None:
        if folder.names("offsets") or folder.names("state"):
            raise SfPoliceError(f"the checkpoint {checkpoint} is damaged (it has no metadata)", remedy=_WAY_OUT)
        return None
    try:
        return str(uuid.UUID(json.loads(text)["id"]))
    except (ValueError, KeyError, TypeError):
        raise SfPoliceError(f"the checkpoint {checkpoint} is damaged (metadata)", remedy=_WAY_OUT) from None


def _compare_batches(folder: Folder, stored: list[Batch], checkpoint: str) -> None:
    planned, committed = _batch_ids(folder, "offsets"), _batch_ids(folder, "commits")
    last_committed = max(committed, default=-1)
    last_stored = stored[0].batch_id if stored else -1
    # A batch is planned (offsets), stored, and committed, in this order: a kill leaves at most one step undone.
    if max(planned, default=-1) < last_committed:
        what = f"the checkpoint {checkpoint} is damaged (the offsets of batch {last_committed} are gone)"
        raise SfPoliceError(what, remedy=_WAY_OUT)
    if last_stored not in (last_committed, last_committed + 1) or max(planned, default=-1) < last_stored:
        raise SfPoliceError(
            f"the checkpoint {checkpoint} is at batch {last_committed}, its store at batch {last_stored}: "
            f"one of them is not what it was",
            remedy=_WAY_OUT,
        )
    if max(planned, default=-1) not in (last_committed, last_committed + 1):
        raise SfPoliceError(
            f"the checkpoint {checkpoint} is damaged (offsets and commits do not match)", remedy=_WAY_OUT
        )
    for newer, older in pairwise(stored):
        if newer.start_offsets != older.end_offsets or newer.batch_id != older.batch_id + 1:
            raise SfPoliceError(
                f"the store's batches {older.batch_id} and {newer.batch_id} do not follow each other",
                remedy=_WAY_OUT,
            )
    for batch in stored:
        if batch.batch_id in planned and _end_offsets(folder, batch.batch_id) != batch.end_offsets:
            raise SfPoliceError(
                f"the checkpoint {checkpoint} has other offsets for batch {batch.batch_id} than the store",
                remedy=_WAY_OUT,
            )


def _batch_ids(folder: Folder, name: str) -> set[int]:
    return {int(entry) for entry in folder.names(name) if entry.isdigit()}


def _end_offsets(folder: Folder, batch_id: int) -> dict[str, int] | None:
    # A version, the batch's metadata, and one line per source: {"topic": {"partition": next offset}}.
    lines = (folder.read(f"offsets/{batch_id}") or "").splitlines()
    try:
        [offsets] = json.loads(lines[2]).values()
    except (IndexError, ValueError, AttributeError):
        return None
    return dict(offsets)
