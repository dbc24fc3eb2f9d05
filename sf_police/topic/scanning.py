"""Reads spans of a topic from end to end, or of these only the records that hold certain bytes, which is far quicker.

kafka-python takes some 10 µs to unpack a record. Whoever looks for a few has whole batches searched first, as bytes:
those that hold nothing of it are not unpacked. Only for that this file uses kafka-python's internals, so setup.cfg
bounds its version; its checks of a batch, and of transactions, stay.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import Fetcher

from sf_police.errors import SfPoliceError
from sf_police.topic.clients import BROKER_TIMEOUT_MS, KafkaAccess, broker_errors, consumer_options
from sf_police.topic.reading import topic_record
from sf_police.topic.record import TopicRecord

Spans = Mapping[int, tuple[int, int]]  # first offset and the one after the last, by partition

_POLL_MS: Final = 50
_POLL_RECORDS: Final = 5_000
_FETCH_BYTES: Final = 4 << 20
_FIRST_MAGIC_WITH_BATCHES: Final = 2


def scan_records(
    access: KafkaAccess, topic: str, spans: Spans, *, holding: Sequence[bytes] = ()
) -> Iterator[TopicRecord]:
    """Yield the records of spans of partitions, each partition's in the order of offsets.

    Args:
        access: the brokers.
        topic: its name.
        spans: what is read; what compaction and transactions have left out is passed over.
        holding: only records of batches that hold one of these; all records of such a batch. None: every record.

    Raises:
        SfPoliceError: the brokers refused, or a partition has given nothing for a while.
    """
    options = {
        **consumer_options(access),
        "max_partition_fetch_bytes": _FETCH_BYTES,
        "max_poll_records": _POLL_RECORDS,
    }
    ends = {TopicPartition(topic, number): end for number, (start, end) in spans.items() if start < end}
    with broker_errors(access, topic), closing(KafkaConsumer(**options)) as consumer:
        if holding:
            consumer._fetcher.PartitionRecords = _searching(tuple(holding))
        consumer.assign(list(ends))
        for where in ends:
            consumer.seek(where, spans[where.partition][0])
        yield from _read(consumer, ends)


def _read(consumer: KafkaConsumer, ends: dict[TopicPartition, int]) -> Iterator[TopicRecord]:
    unread, progress = set(ends), -1
    deadline = 0.0
    while unread:
        for where, records in consumer.poll(timeout_ms=_POLL_MS).items():
            yield from (topic_record(record) for record in records if record.offset < ends[where])
        for where in [each for each in unread if consumer.position(each) >= ends[each]]:
            unread.remove(where)
            consumer.pause(where)  # or what follows its end would be fetched
        reached, now = sum(map(consumer.position, ends)), time.monotonic()
        if reached > progress:
            progress, deadline = reached, now + BROKER_TIMEOUT_MS / 1000
        elif now > deadline:
            stuck = min(unread)
            raise SfPoliceError(
                f"partition {stuck.partition} of {stuck.topic} returned no record at offset {consumer.position(stuck)}"
            )


def _searching(holding: tuple[bytes, ...]) -> type:
    class PartitionRecords(Fetcher.PartitionRecords):  # type: ignore[misc] # kafka-python has no types
        def _unpack_records(self, tp: Any, records: Any, *deserializers: Any) -> Any:
            return super()._unpack_records(tp, _Batches(records, holding), *deserializers)

    return PartitionRecords


class _Batches:
    """What a fetch has returned, as batches that are searched before they are unpacked."""

    def __init__(self, records: Any, holding: tuple[bytes, ...]) -> None:
        self._records, self._holding = records, holding

    def next_batch(self) -> Any:
        """Return the next batch; None at the end."""
        batch = self._records.next_batch()
        is_plain = batch is None or batch.magic < _FIRST_MAGIC_WITH_BATCHES
        return batch if is_plain else _SearchedBatch(batch, self._holding)


class _SearchedBatch:
    """A batch that has records only if its bytes hold what is looked for."""

    def __init__(self, batch: Any, holding: tuple[bytes, ...]) -> None:
        self._batch, self._holding = batch, holding

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        self._batch._maybe_uncompress()
        found = any(each in self._batch._buffer for each in self._holding)
        return iter(self._batch) if found else iter(())
