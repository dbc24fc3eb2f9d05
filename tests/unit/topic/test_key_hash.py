"""The partition of a key is the one that Kafka's own clients choose."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from kafka.partitioner.default import DefaultPartitioner

from sf_police.topic.key_hash import key_partition


# As Kafka's own test of its hash has them, in UtilsTest of Java's client.
@pytest.mark.parametrize(
    ("key", "hashed"), [(b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536)]
)
def test_the_hash_is_that_of_javas_client(key: bytes, hashed: int) -> None:
    assert key_partition(key, 1_000) == (hashed & 0x7FFFFFFF) % 1_000


@pytest.mark.parametrize("partitions", [1, 3, 8])
def test_a_partition_is_that_of_kafka_python(partitions: int) -> None:
    keys = [f"{number:09}".encode() for number in range(0, 10**9, 9_999_991)]
    every = set(range(partitions))
    cluster = SimpleNamespace(
        topics=lambda: {"calls"}, partitions_for_topic=lambda _: every, available_partitions_for_topic=lambda _: every
    )

    expected = [DefaultPartitioner().partition("calls", None, key, None, b"", cluster) for key in keys]

    assert [key_partition(key, partitions) for key in keys] == expected
    assert set(expected) == every
