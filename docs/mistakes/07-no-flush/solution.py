"""Sends as the project does: flushed, and with every acknowledgement looked at."""

from __future__ import annotations

from collections.abc import Sequence

from kafka import KafkaProducer

from sf_police.produce.producer import publish
from sf_police.topic.record import Record
from sf_police.topic.record_batches import RecordBatchProducer


def send_all(records: Sequence[Record], producer: KafkaProducer, topic: str) -> None:
    """Send the records; when this returns, they are in the topic."""
    partitions = len(producer.partitions_for(topic))
    publish([records], RecordBatchProducer(producer, topic, partitions), partitions=partitions)
