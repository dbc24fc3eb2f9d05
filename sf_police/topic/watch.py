"""Asks the brokers again and again whether a topic is still the same one, over one kept connection."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kafka.admin import KafkaAdminClient

from sf_police.errors import SfPoliceError
from sf_police.topic.clients import KafkaAccess, broker_errors, client_options, ensure_reachable
from sf_police.topic.refusals import LoginRefusedError
from sf_police.topic.rights import DESCRIBE, NOT_ALLOWED, not_allowed

# As long as Spark's own consumer waits for a broker that is being restarted.
_PATIENCE_S: Final = 120
_PAUSE_S: Final = 0.2
_LEADER_NOT_AVAILABLE: Final = 5


@dataclass(frozen=True)
class TopicIdentity:
    """What tells a topic from another one of its name. Deleting a topic and re-creating it changes its id."""

    name: str
    topic_id: str
    cluster_id: str
    partitions: tuple[int, ...]


class TopicWatch:
    """A topic, and the connection over which it is asked about."""

    def __init__(
        self,
        access: KafkaAccess,
        topic: str,
        *,
        is_stopped: Callable[[], bool] = lambda: False,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self._access, self._topic, self._options = access, topic, client_options(access)
        self._is_stopped, self._patience_s = is_stopped, patience_s
        self._admin: KafkaAdminClient | None = None

    def identity(self) -> TopicIdentity | None:
        """Return what the topic is now, None if there is none; wait for brokers that are being restarted.

        Raises:
            SfPoliceError: no broker has answered in time, or the login is refused.
        """
        deadline = time.monotonic() + self._patience_s
        while True:
            try:
                with broker_errors(self._access):
                    return self._asked()
            except SfPoliceError as error:
                self.close()
                # A login that is refused is refused again, and some lock out who tries too often.
                if isinstance(error, LoginRefusedError) or self._is_stopped() or time.monotonic() > deadline:
                    raise
            time.sleep(_PAUSE_S)

    def _asked(self) -> TopicIdentity | None:
        if self._admin is None:
            ensure_reachable(self._access)
            self._admin = KafkaAdminClient(**self._options)
        described = next(iter(self._admin.describe_topics([self._topic])), None)
        if described is not None and described["error_code"] == NOT_ALLOWED:
            raise not_allowed(self._access.user, DESCRIBE, self._topic)
        if described is None or described["error_code"] not in (0, _LEADER_NOT_AVAILABLE):
            return None
        return TopicIdentity(
            name=self._topic,
            topic_id=str(uuid.UUID(str(described["topic_id"]))),
            cluster_id=str(self._admin.describe_cluster()["cluster_id"]),
            partitions=tuple(sorted(each["partition_index"] for each in described["partitions"])),
        )

    def close(self) -> None:
        """Close the connection; the next question opens another."""
        if self._admin is not None:
            self._admin.close()
            self._admin = None
