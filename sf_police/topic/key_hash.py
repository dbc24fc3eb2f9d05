"""Which partition Kafka's own producers choose for a key, where nobody chooses for them."""

from __future__ import annotations

from kafka.partitioner.default import murmur2

# Kafka's hash is a signed number of 32 bits; its clients drop the sign.
_WITHOUT_SIGN = 0x7FFFFFFF


def key_partition(key: bytes, partitions: int) -> int:
    """Return the partition of a key, as Java's and Python's clients choose it by default."""
    return int(murmur2(key) & _WITHOUT_SIGN) % partitions
