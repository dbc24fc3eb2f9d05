"""What a stream must not resume from, and what must still hold when it stores a micro-batch. Writes nothing.

The settings that a checkpoint is bound to are in the store, beside its query's id. They are compared at the start and,
as a topic can be deleted and made again while its stream is idle, before each micro-batch is committed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from sf_police.config import MAX_AHEAD, MEMORY, Config
from sf_police.errors import SfPoliceError
from sf_police.how_to import how_to
from sf_police.store.answers import StoreReader
from sf_police.store.integrity import Checked
from sf_police.stream.checkpoint import stored_settings
from sf_police.stream.filesystems import Folder
from sf_police.stream.versions import check_versions
from sf_police.topic.admin import Topic
from sf_police.topic.clients import kafka_access
from sf_police.topic.watch import TopicIdentity

WAY_OUT: Final = (
    "restore the old value, set STATE_DIR to another folder, or run `make reset` (deletes the checkpoint and the store)"
)
_PARTITIONS: Final = "partitions"
STATE_STORE: Final = "state_store"
# What checkpoints were made with that do not say so, as there was no choice then.
_BEFORE_IT_WAS_A_SETTING: Final = {"max_ahead": MAX_AHEAD, STATE_STORE: MEMORY}
Settings = dict[str, Any]


def stream_settings(config: Config, topic: Topic | TopicIdentity) -> Settings:
    """Return the settings that a checkpoint is made with and bound to: other values would yield other counts."""
    return {
        "topic": topic.name,
        "topic_id": topic.topic_id,
        "cluster_id": topic.cluster_id,
        _PARTITIONS: len(topic.partitions),
        "isolation_level": kafka_access(config).isolation_level,
        "window": config.window,
        "watermark": config.watermark,
        "starting_offsets": config.starting_offsets,
        "max_ahead": config.max_ahead,
    }


def resumed_settings(
    config: Config, topic: Topic, folder: Folder, store: StoreReader, *, say: Callable[[str], None]
) -> Settings | None:
    """Return the settings of the stream to resume; None for a new one. Writes nothing.

    Raises:
        SfPoliceError: this stream must not resume from this checkpoint into this store.
    """
    stored = stored_settings(folder, store, config.checkpoint)
    if stored is None:
        return None
    check_versions(stored, config.checkpoint, say=say)
    unchecked = Checked.from_settings(stored).unchecked
    if unchecked:
        say(f"not checked, as a start must not take long: {unchecked}")
    if config.state_partitions not in (None, stored["state_partitions"]):
        raise SfPoliceError(
            f"the checkpoint {config.checkpoint} was made with STATE_PARTITIONS={stored['state_partitions']}, "
            f"not {config.state_partitions}",
            remedy="leave STATE_PARTITIONS unset, or run `make reset` (deletes the checkpoint and the store)",
        )
    ensure_state_store(config, stored)
    current = stream_settings(config, topic)
    return with_added_partitions(stored, current, made=checkpoint_made(config), say=say)


def made_with(stored: Mapping[str, Any]) -> Settings:
    """Return the stored settings, with what held before each of them could be set."""
    return {**_BEFORE_IT_WAS_A_SETTING, **stored}


def as_judged(config: Config, stored: Mapping[str, Any]) -> Config:
    """Return the settings, with those of the stream by which it has judged and counted its records."""
    made = made_with(stored)
    return replace(config, **{name: made[name] for name in ("window", "watermark", "max_ahead") if name in made})


def ensure_state_store(config: Config, stored: Mapping[str, Any]) -> None:
    """Raise SfPoliceError if the stored settings are those of another state store, whose files this one cannot read."""
    kept = made_with(stored)[STATE_STORE]
    if config.state_store != kept:
        raise SfPoliceError(
            f"{checkpoint_made(config)} with STATE_STORE={kept}, not {config.state_store}",
            remedy=f"set STATE_STORE={kept}, or run `make reset` (deletes the checkpoint and the store)",
        )


def checkpoint_made(config: Config) -> str:
    """Return the start of a message on what the checkpoint was made with."""
    return f"the checkpoint {config.checkpoint} was made"


def with_added_partitions(
    stored: Mapping[str, Any], current: Mapping[str, Any], *, made: str, say: Callable[[str], None]
) -> Settings:
    """Compare the settings; return the stored ones, with the partitions that the topic has now.

    Spark reads an added partition from its start, so all is counted as before.

    Args:
        stored: of the stream.
        current: as they are now.
        made: what was made with the stored ones, for the message.
        say: is told of added partitions.

    Raises:
        SfPoliceError: they differ in anything else.
    """
    stored = made_with(stored)
    for name, value in current.items():
        is_added = name == _PARTITIONS and value > stored.get(name, value)
        if stored.get(name) != value and not is_added:
            raise SfPoliceError(f"{made} with {name} {stored.get(name)}, not {value}", remedy=WAY_OUT)
    before, now = stored.get(_PARTITIONS), current[_PARTITIONS]
    if now != before:
        say(
            f"the topic {current['topic']} has {now} partitions now, {before} before; nothing is damaged: the new ones "
            f"are counted from their start (for other counts, run `{how_to('reset')}` and count all again)"
        )
    return {**stored, _PARTITIONS: now}


def with_state_partitions(config: Config, stored: Settings | None, *, cores: int) -> Config:
    """Fill in the state partitions: the checkpoint's, else the user's, else 1 for small batches or one per core."""
    if stored is not None:
        return replace(config, state_partitions=stored["state_partitions"])
    return replace(config, state_partitions=config.state_partitions or (1 if config.has_small_batches else cores))
