"""Which calls of a feed the topic holds already: read from the topic itself, from its end back.

Nothing is kept beside the topic: what it holds is what was sent, also after a kill between the sending of a call and
any note of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import orjson

from sf_police.errors import SfPoliceError
from sf_police.feed.follow import FEED, SPAN, back
from sf_police.question import Question
from sf_police.topic.admin import Topic
from sf_police.topic.clients import KafkaAccess
from sf_police.topic.reading import read_back
from sf_police.topic.record import TopicRecord

_NEW_TOPIC: Final = "set KAFKA_TOPIC to a new topic"


def sent_calls(
    access: KafkaAccess, topic: Topic, question: Question, *, feed: str, oldest: str, max_ahead: timedelta
) -> dict[str, str]:
    """Return the times of the calls that were sent, by id: all of those that the feed may still hold, and some more.

    A call is sent within `SPAN` after its time, as the feed holds it no longer. So whatever is before a record with
    the time t was sent by t + SPAN, and is of that time at most, or of `max_ahead` later if it was dated ahead. If
    that is before the feed's oldest row, it is of no interest. This needs no clock.

    Args:
        access: the brokers.
        topic: as it is now.
        question: whose records they are.
        feed: the name of the feed that the topic has to be of.
        oldest: the time of the feed's oldest row.
        max_ahead: how far ahead of its time a call may be dated.

    Raises:
        SfPoliceError: the topic holds records of something else.
    """
    offsets = {each.number: (each.first_offset, each.next_offset) for each in topic.partitions if each.records}
    enough = back(oldest, SPAN + max_ahead)
    found: dict[str, str] = {}

    def is_enough(record: TopicRecord) -> bool:
        return str(_call(record, topic, feed)[question.time]) < enough

    for record in read_back(access, topic.name, offsets, is_enough=is_enough):
        call = _call(record, topic, feed)
        found[str(call[question.id])] = str(call[question.time])
    return found


def _call(record: TopicRecord, topic: Topic, feed: str) -> Mapping[str, Any]:
    try:
        call = orjson.loads(record.value or b"")
        of = call.get(FEED)
    except (orjson.JSONDecodeError, AttributeError):
        of = None
    if of != feed:
        what = f"of the feed {of:.40}" if isinstance(of, str) else "of no feed"
        raise SfPoliceError(
            f"{topic.name} holds records {what} (partition {record.partition}, offset {record.offset:,}), and those "
            f"of {feed} would be mixed with them",
            remedy=_NEW_TOPIC,
        )
    return call  # type: ignore[no-any-return]
