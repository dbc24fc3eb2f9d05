"""A hand-written loop: confluent-kafka (librdkafka) and orjson."""

from collections import Counter

import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from counting import arguments, group_of, write

servers, topic, total, path = arguments()
consumer = Consumer(
    {
        "bootstrap.servers": servers,
        "group.id": "bench",
        "enable.auto.commit": False,
        "queued.min.messages": 1_000_000,
        "fetch.message.max.bytes": 16 << 20,
        "check.crcs": False,
    }
)
numbers = consumer.list_topics(topic).topics[topic].partitions
consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in numbers])
counts: Counter = Counter()
read = 0
while read < total:
    messages = consumer.consume(10_000, timeout=1)
    counts.update(group_of(orjson.loads(message.value())) for message in messages)
    read += len(messages)
write(counts, path)
