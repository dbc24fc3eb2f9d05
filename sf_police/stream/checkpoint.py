"""Guards the checkpoint folder: whose it is, how far it has got, and who is using it now.

Spark silently trusts whatever it finds there. The guard compares it with the store before Spark reads it: the two
belong together, and are resumed only together. The settings are compared in `compatibility.py`.
"""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from sf_police.config import local_path
from sf_police.errors import SfPoliceError
from sf_police.lock import is_held, locked
from sf_police.store import integrity
from sf_police.store.answers import StoreReader
from sf_police.store.tables import Batch
from sf_police.store.writer import StoreWriter
from sf_police.stream.filesystems import Folder, spark_location

_WAY_OUT: Final = "run `make reset`, which deletes both; the topic is then read again from its start"
_TAKEN: Final = "another stream is running on the checkpoint"
_ANOTHER: Final = "stop it, or set STATE_DIR to another folder (and CHECKPOINT and STORE, if they are set)"
# In every checkpoint of ours: without it, only its query's id in the store proves that it is.
MARKER: Final = ".sf-police"
# In the store's settings: where its checkpoint is.
PLACE: Final = "checkpoint"
# What Spark and we write into a checkpoint's folder.
FOLDERS: Final = ("offsets", "commits", "sources", "state")
FILES: Final = re.compile(
    r"metadata|\.sf-police|\.(metadata|\.sf-police)\.(part|crc|[0-9a-f-]+\.tmp)|\.\S+\.(part|tmp)\.crc"
)
# What a volume or a file manager puts into an empty folder.
_HARMLESS: Final = ("lost+found", ".DS_Store")
# Batches to compare: as many as Spark keeps files for.
_KEPT_BATCHES: Final = 100


@contextmanager
def exclusive(checkpoint: str, state_dir: Path) -> Iterator[None]:
    """Hold the checkpoint for one run on this machine; Spark itself has no lock.

    Raises:
        SfPoliceError: another stream holds it, or its folder cannot be created.
    """
    with locked(_lock(checkpoint, state_dir), f"{_TAKEN} {checkpoint}", remedy=_ANOTHER):
        yield


def ensure_free(checkpoint: str, state_dir: Path) -> None:
    """Raise SfPoliceError if another stream on this machine holds the checkpoint; takes and makes nothing."""
    if is_in_use(checkpoint, state_dir):
        raise SfPoliceError(f"{_TAKEN} {checkpoint}", remedy=_ANOTHER)


def is_in_use(checkpoint: str, state_dir: Path) -> bool:
    """Return whether a stream on this machine holds the checkpoint."""
    return is_held(_lock(checkpoint, state_dir))


def _lock(checkpoint: str, state_dir: Path) -> Path:
    path = local_path(checkpoint)
    if path is None:
        return state_dir / f"{uuid.uuid5(uuid.NAMESPACE_URL, checkpoint.rstrip('/'))}.lock"
    # By whichever link a stream was given it, a folder has one lock.
    path = Path(os.path.realpath(path))
    if not path.name:
        raise SfPoliceError(
            f"the checkpoint {checkpoint} is the whole file system", remedy="set CHECKPOINT to a folder of its own"
        )
    return path.with_name(f"{path.name}.lock")


def stored_settings(folder: Folder, store: StoreReader, checkpoint: str) -> dict[str, Any] | None:
    """Return the settings of the stream that both belong to, with what was checked; None if both are new.

    Raises:
        SfPoliceError: they do not belong together, one is ahead of the other, or one is damaged.
    """
    settings = matching_settings(folder, store, checkpoint)
    return None if settings is None else _checked_store(store, settings)


def matching_settings(folder: Folder, store: StoreReader, checkpoint: str) -> dict[str, Any] | None:
    """Return the settings of the stream that both belong to, as they are stored; None if both are new.

    Raises:
        SfPoliceError: they do not belong together, or one is ahead of the other.
    """
    query_id = _query_id(folder, checkpoint)
    stream = store.stream()
    if stream is None or (query_id is None and store.is_empty()):
        if query_id is not None:
            raise SfPoliceError(
                f"the checkpoint {checkpoint} has no store that belongs to it; {store.database.where} is empty",
                remedy=f"set STORE to the one that it counted into; if there is none any more, {_WAY_OUT}",
            )
        return None
    stored_id, settings = stream
    if query_id != stored_id:
        ensure_its_store(checkpoint, store.database.where, settings)
    if query_id is None:
        raise SfPoliceError(f"the store has counts, but their checkpoint {checkpoint} is gone", remedy=_WAY_OUT)
    if query_id != stored_id:
        raise SfPoliceError(f"the checkpoint {checkpoint} and the store belong to different streams", remedy=_WAY_OUT)
    _compare_batches(folder, store.last_batches(_KEPT_BATCHES), checkpoint)
    return settings


def ensure_its_store(checkpoint: str, where: str, settings: Mapping[str, Any]) -> None:
    """Raise SfPoliceError if the store's settings name another checkpoint; those of an older store name none.

    To be called only if the checkpoint's query is not the store's: one that was moved still is its checkpoint.
    """
    place = settings.get(PLACE)
    if place not in (None, spark_location(checkpoint)):
        raise SfPoliceError(
            f"{where} belongs to the checkpoint {place.removeprefix('file://')}, not to {checkpoint}",
            remedy="set CHECKPOINT to that one, or STATE_DIR to another folder (and STORE, if it is set)",
        )


def _checked_store(store: StoreReader, settings: dict[str, Any]) -> dict[str, Any]:
    error = integrity.structure_error(store.database)
    if not error and not integrity.is_balanced(store):
        error = "its books do not balance"
    checked = None if error else integrity.check_counts(store.database, integrity.Checked.from_settings(settings))
    if checked is None:
        error = error or "its counts are not what its batches have added: their digests differ"
        raise SfPoliceError(f"the store is damaged ({error})", remedy=_WAY_OUT)
    return checked.to_settings(settings)


def adopt(folder: Folder, store: StoreWriter, settings: Mapping[str, Any]) -> None:
    """Tie a new checkpoint and the store together: the query's id is set here, before Spark chooses one."""
    query_id = str(uuid.uuid4())
    # Proves later on, whatever is damaged by then, that the folder and that store are ours to delete. One that is there
    # is of a start that was cut short; otherwise, of two streams that start at once only one gets in.
    put = folder.write if folder.read(MARKER) is not None else folder.create
    put(MARKER, json.dumps({"id": query_id, "store": store.database.where}))
    store.adopt_stream(query_id, settings)
    folder.create("metadata", json.dumps({"id": query_id}))


def _query_id(folder: Folder, checkpoint: str) -> str | None:
    if folder.read("metadata") is None:
        names = folder.names("")
        if folder.names("offsets") or folder.names("state"):
            raise SfPoliceError(f"the checkpoint {checkpoint} is damaged (no metadata)", remedy=_WAY_OUT)
        others = sorted(name for name in names if not FILES.fullmatch(name) and name not in (*FOLDERS, *_HARMLESS))
        if others and MARKER not in names:
            raise SfPoliceError(
                f"the folder {checkpoint} holds other things than a checkpoint ({others[0]}, …); they are untouched",
                remedy="set CHECKPOINT to a folder of its own",
            )
        return None
    query_id = read_id(folder)
    if query_id is None:
        raise SfPoliceError(f"the checkpoint {checkpoint} is damaged (unreadable metadata)", remedy=_WAY_OUT)
    return query_id


def read_id(folder: Folder) -> str | None:
    """Return the id of the checkpoint's query; None if there is none, or it cannot be read."""
    try:
        return str(uuid.UUID(json.loads(folder.read("metadata") or "")["id"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def steps(folder: Folder) -> tuple[int, int]:
    """Return the latest batch that was planned and the latest that was committed; -1 for none."""
    return max(_batch_ids(folder, "offsets"), default=-1), max(_batch_ids(folder, "commits"), default=-1)


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
            "one of them was changed or replaced",
            remedy=_WAY_OUT,
        )
    if max(planned, default=-1) not in (last_committed, last_committed + 1):
        raise SfPoliceError(
            f"the checkpoint {checkpoint} is damaged (offsets and commits do not match)", remedy=_WAY_OUT
        )
    for newer, older in pairwise(stored):
        # A partition that was added in between starts where it starts.
        start = {number: newer.start_offsets.get(number) for number in older.end_offsets}
        if start != older.end_offsets or newer.batch_id != older.batch_id + 1:
            raise SfPoliceError(
                f"the store's batches {older.batch_id} and {newer.batch_id} are not consecutive",
                remedy=_WAY_OUT,
            )
    for batch in stored:
        if batch.batch_id in planned and _end_offsets(folder, batch.batch_id) != batch.end_offsets:
            raise SfPoliceError(
                f"the checkpoint {checkpoint} and the store disagree on the offsets of batch {batch.batch_id}",
                remedy=_WAY_OUT,
            )


def _batch_ids(folder: Folder, name: str) -> set[int]:
    return {int(entry) for entry in folder.names(name) if entry.isdigit()}


def _end_offsets(folder: Folder, batch_id: int) -> dict[str, int] | None:
    # The file's lines are a version, the batch's metadata, and one per source: {"topic": {"partition": next offset}}.
    lines = (folder.read(f"offsets/{batch_id}") or "").splitlines()
    try:
        [offsets] = json.loads(lines[2]).values()
    except (IndexError, ValueError, AttributeError):
        return None
    return dict(offsets)
