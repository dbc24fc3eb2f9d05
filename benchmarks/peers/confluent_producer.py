"""The simple way to fill a topic: json.load, json.dumps, and confluent-kafka with the same guarantees as ours."""

import json
import sys

from confluent_kafka import Producer

servers, topic, path, partitions = sys.argv[1:5]
with open(path) as file:
    calls = json.load(file)
calls.reverse()
calls.sort(key=lambda call: call["call_date_time"])
producer = Producer(
    {
        "bootstrap.servers": servers,
        "enable.idempotence": True,
        "acks": "all",
        "compression.type": "lz4",
        "linger.ms": 20,
        "batch.size": 1 << 20,
        "queue.buffering.max.messages": 1_000_000,
        "queue.buffering.max.kbytes": 1 << 20,
    }
)
failed = []
acknowledged = 0


def settle(error, _):
    """Count an acknowledgement, and keep its error, if any."""
    global acknowledged
    if error:
        failed.append(error)
    acknowledged += 1


for position, call in enumerate(calls):
    value = json.dumps(call, separators=(",", ":"), ensure_ascii=False)
    producer.produce(topic, value, call["crime_id"], partition=position % int(partitions), on_delivery=settle)
    if position % 1000 == 0:
        producer.poll(0)
producer.flush()
if failed or acknowledged != len(calls):
    sys.exit(f"{len(failed)} failed, {acknowledged} acknowledged: {failed[:1]}")
