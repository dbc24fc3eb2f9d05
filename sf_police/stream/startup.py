"""From settings to a session in which the query may run: each check once, then Spark. The query is in `query.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing

from pyspark.sql import SparkSession

from sf_police.config import SMALL_BATCH_RECORDS, Config
from sf_police.spark.executors import wait_for_executors
from sf_police.spark.failures import jvm_watched
from sf_police.spark.session import create_session, stop_session
from sf_police.store.answers import StoreReader
from sf_police.store.database import Database
from sf_police.store.writer import StoreWriter
from sf_police.stream.checkpoint import PLACE, adopt
from sf_police.stream.compatibility import (
    STATE_STORE,
    Settings,
    resumed_settings,
    stream_settings,
    with_state_partitions,
)
from sf_police.stream.elsewhere import HadoopFolder
from sf_police.stream.filesystems import (
    Folder,
    LocalFolder,
    ensure_seen,
    ensure_shared,
    is_said_to_be_shared,
    spark_location,
)
from sf_police.stream.source import java_properties
from sf_police.stream.user_options import user_options, without_effect
from sf_police.stream.versions import versions
from sf_police.topic.admin import Topic


def checked_options(config: Config) -> dict[str, str]:
    """Return the user's options for Spark, after what can be told of the settings alone.

    Raises:
        UsageError: an option would break the stream, or its state would lie on other machines, each a part.
    """
    ensure_shared(config.checkpoint, config.spark_master)
    return user_options(config)


def start_session(
    config: Config, topic: Topic, database: Database, *, say: Callable[[str], None]
) -> tuple[Config, SparkSession]:
    """Start the session that the stream runs in; return the settings, with the state partitions, and the session.

    A local checkpoint is checked before Spark is started, any other one afterwards, since only Spark can access its
    file system. A new checkpoint is adopted.

    Raises:
        SfPoliceError: this stream must not resume from this checkpoint into this store; nothing was written.
    """
    options = checked_options(config)
    store = StoreReader(database)
    local = LocalFolder(config.local_checkpoint) if config.local_checkpoint else None
    stored = resumed_settings(config, topic, local, store, say=say) if local else None
    records = topic.records if config.until_end else None
    session = create_session(config, records=records, java_properties=java_properties(config), user_options=options)
    try:
        with jvm_watched(session):
            is_shared = _ensure_placed(config, session, options, say=say)
            with ExitStack() as opened:
                folder = local or opened.enter_context(closing(HadoopFolder(session, config.checkpoint, say=say)))
                if not local:
                    stored = resumed_settings(config, topic, folder, store, say=say)
                is_chosen = stored is not None or config.state_partitions is not None or config.has_small_batches
                cores = wait_for_executors(session, counts_cores=is_shared or not is_chosen, say=say)
                config = with_state_partitions(config, stored, cores=cores)
                session.conf.set("spark.sql.shuffle.partitions", str(config.state_partitions))
                _bind(config, topic, folder, database, stored, say=say)
            if is_shared:
                ensure_seen(session, config.checkpoint, tasks=cores)
    except BaseException:
        stop_session(session)
        raise
    if config.has_small_batches:
        say(small_batches_line(config))
    return config, session


def _bind(
    config: Config, topic: Topic, folder: Folder, database: Database, stored: Settings | None, *,
    say: Callable[[str], None],
) -> None:  # fmt: skip
    kept: Settings = {PLACE: spark_location(config.checkpoint), **versions()}
    if stored is None:
        kept |= {"state_partitions": config.state_partitions, STATE_STORE: config.state_store}
        adopt(folder, StoreWriter(database), {**stream_settings(config, topic), **kept})
        return
    database.create()
    _keep_settings(StoreReader(database), StoreWriter(database), {**stored, **kept})
    say(f"resuming from the checkpoint {config.checkpoint}, with its {config.state_partitions} state partitions")


def _ensure_placed(
    config: Config, session: SparkSession, options: Mapping[str, str], *, say: Callable[[str], None]
) -> bool:
    # Whether machines are said to share the checkpoint. Under spark-submit, the master is another one than config's.
    master = str(session.sparkContext.master)
    ensure_shared(config.checkpoint, master)
    is_shared = is_said_to_be_shared(config.checkpoint, master)
    if is_shared:
        say(f"the checkpoint {config.checkpoint} is taken for a folder that all machines of {master} share")
    no_effect = without_effect(options, config)
    if no_effect:
        say(no_effect)
    return is_shared


def _keep_settings(store: StoreReader, writer: StoreWriter, settings: Settings) -> None:
    stream = store.stream()
    if stream is not None and stream[1] != settings:
        with writer.database.transaction() as connection:
            writer.update_settings(connection, stream[0], settings)


def small_batches_line(config: Config) -> str:
    """Say what such a cap changes beside the size of a micro-batch, for anyone who compares two caps."""
    line = f"MAX_OFFSETS_PER_TRIGGER={config.max_offsets_per_trigger} is at most {SMALL_BATCH_RECORDS:,}: "
    if config.runs_in_one_task:
        return line + "each micro-batch runs in one task, without shuffles or generated code"
    return line + f"no generated code, but {config.state_partitions} state partitions, so several tasks and shuffles"
