"""From settings to a session in which the query may run: each check once, then Spark. The query is in `query.py`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing

from pyspark.sql import SparkSession

from sf_police.config import SMALL_BATCH_RECORDS, Config
from sf_police.spark.session import create_session, stop_session
from sf_police.store.answers import StoreReader
from sf_police.store.database import Database
from sf_police.store.writer import StoreWriter
from sf_police.stream.checkpoint import PLACE, adopt
from sf_police.stream.compatibility import Settings, resumed_settings, stream_settings, with_state_partitions
from sf_police.stream.elsewhere import HadoopFolder
from sf_police.stream.filesystems import Folder, LocalFolder, spark_location
from sf_police.stream.source import java_properties
from sf_police.topic.admin import Topic


def start_session(
    config: Config, topic: Topic, database: Database, *, say: Callable[[str], None]
) -> tuple[Config, SparkSession]:
    """Start the session that the stream runs in; return the settings, with the state partitions, and the session.

    A local checkpoint is checked before Spark is started, any other one afterwards, since only Spark can access its
    file system. A new checkpoint is adopted.

    Raises:
        SfPoliceError: this stream must not resume from this checkpoint into this store; nothing was written.
    """
    store = StoreReader(database)
    local = LocalFolder(config.local_checkpoint) if config.local_checkpoint else None
    stored = resumed_settings(config, topic, local, store, say=say) if local else None
    records = topic.records if config.until_end else None
    session = create_session(config, records=records, java_properties=java_properties(config))
    try:
        with ExitStack() as opened:
            folder = local or opened.enter_context(closing(HadoopFolder(session, config.checkpoint, say=say)))
            if not local:
                stored = resumed_settings(config, topic, folder, store, say=say)
            config = with_state_partitions(config, stored, cores=session.sparkContext.defaultParallelism)
            session.conf.set("spark.sql.shuffle.partitions", str(config.state_partitions))
            _bind(config, topic, folder, database, stored, say=say)
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
    place = {PLACE: spark_location(config.checkpoint)}
    if stored is None:
        settings = {**stream_settings(config, topic), "state_partitions": config.state_partitions, **place}
        adopt(folder, StoreWriter(database), settings)
        return
    database.create()
    _keep_settings(StoreReader(database), StoreWriter(database), {**stored, **place})
    say(f"resuming from the checkpoint {config.checkpoint}, with its {config.state_partitions} state partitions")


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
