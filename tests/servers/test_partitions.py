"""Why the producer chooses the partition."""

from __future__ import annotations

from collections.abc import Callable

from kafka import KafkaProducer

from sf_police.calls.generate import generate_calls
from tests.support.job import Job, books
from tests.support.question import event_records


def test_partitions_by_key_hash_lose_calls_as_late_and_by_position_none(make_job: Callable[..., Job]) -> None:
    """8 partitions, small micro-batches, the same calls in the same order."""
    records = list(event_records(list(generate_calls())[-1_600:]))
    late = {}
    for way in ("key hash", "position"):
        job = make_job(partitions=8)
        with KafkaProducer(bootstrap_servers=job.kafka, linger_ms=20, batch_size=1 << 18) as producer:
            for record in records:
                partition = record.position % 8 if way == "position" else None
                producer.send(job.topic, record.value, key=record.key, partition=partition)
        late[way] = books(job.run("stream", "--until-end", MAX_OFFSETS_PER_TRIGGER="40").stderr)["late"]

    assert late["position"] == 0
    assert late["key hash"] > 0
