"""Names of the settings of Kafka's Java clients, but for security: what a client.properties file may have in it."""

from __future__ import annotations

from typing import Final

# A consumer's, without those that Spark sets itself and refuses, and those that name classes of the user's own.
_OF_A_CONSUMER: Final = """
allow.auto.create.topics auto.commit.interval.ms auto.include.jmx.reporter check.crcs client.dns.lookup client.id
client.rack connections.max.idle.ms default.api.timeout.ms enable.metrics.push exclude.internal.topics
fetch.max.bytes fetch.max.wait.ms fetch.min.bytes group.id heartbeat.interval.ms isolation.level
max.partition.fetch.bytes max.poll.interval.ms max.poll.records metadata.max.age.ms
metadata.recovery.rebootstrap.trigger.ms metadata.recovery.strategy metrics.num.samples metrics.recording.level
metrics.sample.window.ms receive.buffer.bytes reconnect.backoff.max.ms reconnect.backoff.ms request.timeout.ms
retry.backoff.max.ms retry.backoff.ms send.buffer.bytes session.timeout.ms socket.connection.setup.timeout.max.ms
socket.connection.setup.timeout.ms
"""
# The others, and those of producers and admin clients.
_OTHERS: Final = """
acks auto.offset.reset batch.size bootstrap.controllers bootstrap.servers buffer.memory compression.gzip.level
compression.lz4.level compression.type compression.zstd.level delivery.timeout.ms enable.auto.commit
enable.idempotence group.instance.id group.protocol group.remote.assignor interceptor.classes key.deserializer
key.serializer linger.ms max.block.ms max.in.flight.requests.per.connection max.request.size metadata.max.idle.ms
metric.reporters partition.assignment.strategy partitioner.adaptive.partitioning.enable
partitioner.availability.timeout.ms partitioner.class partitioner.ignore.keys retries share.acknowledgement.mode
share.acquire.mode transaction.timeout.ms transaction.two.phase.commit.enable transactional.id value.deserializer
value.serializer
"""
CONSUMER_KEYS: Final = frozenset(_OF_A_CONSUMER.split())
KAFKA_KEYS: Final = CONSUMER_KEYS | frozenset(_OTHERS.split())

# A cloud provider's file has settings of its schema registry, too.
OF_OTHERS: Final = ("schema.registry.", "basic.auth.", "bearer.auth.", "confluent.")
