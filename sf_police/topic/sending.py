"""Connects a producer to a topic: idempotent, acknowledged by all in-sync replicas. Batching: `record_batches.py`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from kafka import KafkaProducer

from sf_police.topic.admin import Topic
from sf_police.topic.clients import KafkaAccess, broker_errors, client_options
from sf_police.topic.record_batches import RecordBatchProducer

# kafka-python sends one batch per partition at a time, to keep their order: the larger the batch, the fewer the waits.
_BATCH_BYTES: Final = 1 << 20
_REQUEST_BYTES: Final = 4 << 20


@contextmanager
def kafka_producer(access: KafkaAccess, topic: Topic) -> Iterator[RecordBatchProducer]:
    """Connect a producer to the topic; on an error, discard what it has not sent yet.

    Raises:
        SfPoliceError: no broker answers, or the brokers refused.
    """
    with broker_errors(access, topic.name):
        client = KafkaProducer(
            **client_options(access),
            # Explicit, because acks=1, retries=0 or more than 5 requests in flight would silently switch it off.
            enable_idempotence=True,
            acks="all",
            max_request_size=_REQUEST_BYTES,
            metrics_enabled=False,
            compression_type="lz4",
            linger_ms=20,
            batch_size=min(_BATCH_BYTES, topic.max_message_bytes),
            allow_auto_create_topics=False,
        )
        try:
            client.partitions_for(topic.name)
            yield RecordBatchProducer(client, topic.name, len(topic.partitions))
        except BaseException:
            client.close(timeout=0)
            raise
        else:
            client.close()
