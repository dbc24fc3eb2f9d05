"""Deals the records out: record n goes to partition n modulo their number, with its key all the same."""

from __future__ import annotations

from collections.abc import Sequence

from sf_police.produce.producer import publish
from sf_police.topic.admin import describe_topic
from sf_police.topic.clients import KafkaAccess
from sf_police.topic.record import Record
from sf_police.topic.sending import kafka_producer


def send_all(records: Sequence[Record], servers: str, topic: str) -> None:
    """Send records, which are in the order of events, to the topic's partitions."""
    access = KafkaAccess(servers, {})
    described = describe_topic(access, topic)
    with kafka_producer(access, described) as producer:
        publish([records], producer, partitions=len(described.partitions))
