"""Holds for every micro-batch what was checked at the start: topic, cluster, partitions and isolation level."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.engine import Connection

from sf_police.config import Config
from sf_police.errors import SfPoliceError
from sf_police.store.writer import StoreWriter
from sf_police.stream.compatibility import WAY_OUT, checkpoint_made, stream_settings, with_added_partitions
from sf_police.topic.watch import TopicWatch


class BatchGuard:
    """Checks, just before a micro-batch is committed to the store, that it may be.

    By then the batch has been read in full: a topic that was re-created before that is seen, and one that is
    re-created later has given this batch nothing.
    """

    def __init__(self, config: Config, store: StoreWriter, watch: TopicWatch, *, say: Callable[[str], None]) -> None:
        self._config, self._store, self._watch, self._say = config, store, watch, say

    def check(self, connection: Connection) -> None:
        """Check the topic, within the transaction that stores the batch; the writer has checked the store's owner.

        Raises:
            SfPoliceError: it is not what it was; nothing is stored.
        """
        self._store.database.keep_held()
        identity = self._watch.identity()
        if identity is None:
            raise SfPoliceError(
                f"the topic {self._config.kafka_topic} was deleted while its stream was running", remedy=WAY_OUT
            )
        # Read each time: what a transaction that failed has written is not kept.
        query_id, stored = self._store.stream(connection)
        current = stream_settings(self._config, identity)
        settings = with_added_partitions(stored, current, made=checkpoint_made(self._config), say=self._say)
        if settings != stored:
            self._store.update_settings(connection, query_id, settings)

    def close(self) -> None:
        """Close the connection to the brokers."""
        self._watch.close()
