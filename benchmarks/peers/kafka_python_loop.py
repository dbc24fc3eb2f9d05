"""A hand-written loop: kafka-python and the standard library's json."""

import json
from collections import Counter

from counting import arguments, group_of, write
from kafka import KafkaConsumer, TopicPartition

servers, topic, total, path = arguments()
consumer = KafkaConsumer(
    bootstrap_servers=servers,
    enable_auto_commit=False,
    check_crcs=False,
    max_partition_fetch_bytes=16 << 20,
    fetch_max_bytes=64 << 20,
    max_poll_records=10_000,
)
consumer.assign([TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)])
consumer.seek_to_beginning()
counts: Counter = Counter()
read = 0
while read < total:
    for messages in consumer.poll(timeout_ms=1000).values():
        counts.update(group_of(json.loads(message.value)) for message in messages)
        read += len(messages)
write(counts, path)
