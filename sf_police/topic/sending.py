"""Connect a producer to the topic: idempotent, acknowledged by all in-sync replicas."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from kafka import KafkaProducer

from sf_police.topic.admin import Topic
from sf_police.topic.clients import KafkaAccess, broker_errors, client_options
from sf_police.topic.record_batches import RecordBatchProducer

# One batch of a partition is on its way at a time, as kafka-python keeps their order: the larger, the fewer waits.
_BATCH_BYTES: Final = 1 << 20
_REQUEST_BYTES: Final = 4 << 20


@contextmanager
def kafka_producer(access: KafkaAccess, topic: Topic) -> Iterator[RecordBatchProducer]:
    """Connect a producer to the topic; on an error, what it has not sent yet is thrown away.

    Raises:
        SfPoliceError: no broker answers, or the brokers refuse.
    """
    with broker_errors(access, topic.name):
        client = KafkaProducer(
            **client_options(access),
            # Said aloud, because acks=1, retries=0 or more than 5 requests in flight would switch it off silently.
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
