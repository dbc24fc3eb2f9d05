"""Asks the brokers what a topic holds, and waits for the answer for a limited time only."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from sf_police.errors import SfPoliceError, UnknownTopicError
from sf_police.topic.admin import Topic, describe_topic
from sf_police.topic.clients import KafkaAccess

LIMIT_S: Final = 2.0
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class Probed:
    """Whether the brokers have answered in time, and the topic; None if they did not, or there is no such topic."""

    is_reachable: bool
    topic: Topic | None = None


class TopicProbe:
    """A topic that is asked about. Clients of Kafka have no limit on the whole of a question, so a thread asks."""

    def __init__(self, access: KafkaAccess, topic: str, *, limit_s: float = LIMIT_S) -> None:
        self._access, self._topic, self._limit_s = access, topic, limit_s
        self._lock = threading.Lock()
        self._asked: Future[Probed] | None = None

    def ask(self) -> Probed:
        """Return what the brokers say. Who asks while an earlier question is open waits for the same answer."""
        try:
            return self._question().result(timeout=self._limit_s)
        except TimeoutError:
            _LOG.info("the brokers at %s have not answered within %g s", self._access.servers, self._limit_s)
            return Probed(is_reachable=False)

    def _question(self) -> Future[Probed]:
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = Future()
                # Not a pool's: the command would wait at its end for brokers that hang.
                name, asked = "asks the brokers", self._asked
                threading.Thread(target=self._answer, args=(asked,), name=name, daemon=True).start()
            return self._asked

    def _answer(self, asked: Future[Probed]) -> None:
        try:
            asked.set_result(Probed(is_reachable=True, topic=describe_topic(self._access, self._topic)))
        except UnknownTopicError:
            asked.set_result(Probed(is_reachable=True))
        except SfPoliceError as error:
            _LOG.info("%s", error)
            asked.set_result(Probed(is_reachable=False))
        except BaseException as error:  # raised again by `ask`
            asked.set_exception(error)
