"""Refuses to start a stream unless checkpoint, store and settings belong together. Writes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sf_police.config import Config
from sf_police.errors import SfPoliceError
from sf_police.store.answers import StoreReader
from sf_police.stream.checkpoint import stored_settings
from sf_police.stream.filesystems import Folder
from sf_police.topic.admin import Topic


def stream_settings(config: Config, topic: Topic) -> dict[str, Any]:
    """Return the settings that a checkpoint is made with and bound to: other values would yield other counts."""
    return {
        "topic": topic.name,
        "topic_id": topic.topic_id,
        "cluster_id": topic.cluster_id,
        "partitions": len(topic.partitions),
        "window": config.window,
        "watermark": config.watermark,
        "starting_offsets": config.starting_offsets,
    }


def resumed_settings(config: Config, topic: Topic, folder: Folder, store: StoreReader) -> dict[str, Any] | None:
    """Return the settings of the stream to resume; None for a new one. Writes nothing.

    Raises:
        SfPoliceError: this stream must not resume from this checkpoint into this store.
    """
    stored = stored_settings(folder, store, config.checkpoint)
    if stored is None:
        return None
    for name, value in stream_settings(config, topic).items():
        if stored.get(name) != value:
            raise SfPoliceError(
                f"the checkpoint {config.checkpoint} was made with {name} {stored.get(name)}, not {value}",
                remedy="restore the old value, set STATE_DIR to another folder, or run `make reset` "
                "(deletes the checkpoint and the store)",
            )
    if config.state_partitions not in (None, stored["state_partitions"]):
        raise SfPoliceError(
            f"the checkpoint {config.checkpoint} was made with STATE_PARTITIONS={stored['state_partitions']}, "
            f"not {config.state_partitions}",
            remedy="leave STATE_PARTITIONS unset, or run `make reset` (deletes the checkpoint and the store)",
        )
    return stored


def with_state_partitions(config: Config, stored: dict[str, Any] | None, *, cores: int) -> Config:
    """Fill in the state partitions: the checkpoint's, else the user's, else 1 for small batches or one per core."""
    if stored is not None:
        return replace(config, state_partitions=stored["state_partitions"])
    return replace(config, state_partitions=config.state_partitions or (1 if config.has_small_batches else cores))
