"""Where Spark keeps state, and how it writes checkpoint files on this machine."""

from __future__ import annotations

from typing import Final

from sf_police.config import MEMORY, ROCKSDB, Config

_PROVIDER: Final = "spark.sql.streaming.stateStore.providerClass"
_ROCKSDB: Final = "spark.sql.streaming.stateStore.rocksdb"
_STATE_STORES: Final = {
    MEMORY: {_PROVIDER: "org.apache.spark.sql.execution.streaming.state.HDFSBackedStateStoreProvider"},
    ROCKSDB: {
        _PROVIDER: "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider",
        # A micro-batch writes what it has changed, and not the files that RocksDB happens to have made.
        f"{_ROCKSDB}.changelogCheckpointing.enabled": "true",
        # `batches.state_rows` is this number.
        f"{_ROCKSDB}.trackTotalNumberOfRows": "true",
    },
}
# Spark's default goes through Hadoop's FileContext, which, without Hadoop's native library, forks a process for each
# file: half of a small micro-batch's time.
_LOCAL_CHECKPOINT: Final = {
    "spark.sql.streaming.checkpointFileManagerClass": (
        "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager"
    ),
    "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
}
# What a submit's own options must not replace.
PINNED: Final = (*_STATE_STORES[ROCKSDB],)


def state_store_options(config: Config) -> dict[str, str]:
    """Return the options for the state store, and for the files of a checkpoint."""
    options = dict(_STATE_STORES[config.state_store])
    # RocksDB's files go into the checkpoint by Hadoop's `FileSystem.copyFromLocalFile`, which casts the file system of
    # `file:` to Hadoop's own class. With ours in its place each copy is a ClassCastException, which Spark ignores where
    # a background thread makes it: no snapshot is ever written, and a start has to read every change since the first.
    if config.local_checkpoint and config.state_store == MEMORY:
        options |= _LOCAL_CHECKPOINT
    return options
