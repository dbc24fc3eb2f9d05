"""Before a stream runs: checkpoint, store and settings must belong together, or it is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pyspark.sql import SparkSession

from sf_police.config import Config
from sf_police.errors import SfPoliceError
from sf_police.spark.session import create_session, stop_session
from sf_police.store.writer import Store
from sf_police.stream.checkpoint import adopt, remembered_settings
from sf_police.stream.filesystems import HadoopFolder, LocalFolder, local_path
from sf_police.topic.admin import Topic


def stream_settings(config: Config, topic: Topic) -> dict[str, Any]:
    """What a checkpoint is made with and cannot change after: other values would mean other counts."""
    return {
        "topic": topic.name,
        "topic_id": topic.topic_id,
        "cluster_id": topic.cluster_id,
        "partitions": len(topic.partitions),
        "window": config.window,
        "watermark": config.watermark,
        "starting_offsets": config.starting_offsets,
    }


def guarded_session(
    config: Config, topic: Topic, store: Store, *, say: Callable[[str], None]
) -> tuple[Config, SparkSession]:
    """The session to run the stream with, and the settings with the checkpoint's state partitions in them.

    A local checkpoint is looked at before Spark is started, any other after: its file system is Spark's to know.

    Raises:
        SfPoliceError: this stream must not go on from this checkpoint into this store; nothing was written.
    """
    settings = stream_settings(config, topic)
    path = local_path(config.checkpoint)
    local = LocalFolder(path) if path else None
    if local:
        config = _with_remembered(config, settings, remembered_settings(local, store, config.checkpoint), say)
    session = create_session(config, records=topic.records if config.until_end else None)
    try:
        folder = local or HadoopFolder(session, config.checkpoint)
        remembered = remembered_settings(folder, store, config.checkpoint)
        config = _with_remembered(config, settings, remembered, say if not local else _silent)
        cores = session.sparkContext.defaultParallelism
        state_partitions = config.state_partitions or (1 if config.has_small_batches else cores)
        config = replace(config, state_partitions=state_partitions)
        session.conf.set("spark.sql.shuffle.partitions", str(state_partitions))
        if remembered is None:
            adopt(folder, store, {**settings, "state_partitions": state_partitions})
        else:
            store.create_tables()
    except BaseException:
        stop_session(session)
        raise
    return config, session


def _with_remembered(
    config: Config, settings: dict[str, Any], remembered: dict[str, Any] | None, say: Callable[[str], None]
) -> Config:
    if remembered is None:
        return config
    for name, value in settings.items():
        if remembered.get(name) != value:
            raise SfPoliceError(
                f"the checkpoint {config.checkpoint} was made with {name} {remembered.get(name)}, not {value}: "
                "set it as it was, set STATE_DIR to another folder, or `make reset` (deletes checkpoint and store)"
            )
    state_partitions = remembered["state_partitions"]
    if config.state_partitions not in (None, state_partitions):
        raise SfPoliceError(
            f"the checkpoint {config.checkpoint} was made with STATE_PARTITIONS={state_partitions}, and keeps them: "
            "leave STATE_PARTITIONS out, or `make reset` (deletes checkpoint and store)"
        )
    say(f"going on from the checkpoint {config.checkpoint}, with its {state_partitions} state partitions")
    return replace(config, state_partitions=state_partitions)


def _silent(_: str) -> None:
    """Said already."""
