"""kafka-python's producer, with a shorter path from a record to its batch.

`KafkaProducer.send` takes about 20 µs a record: a future, a lock or two and a log line each. Here a record is encoded
straight into its partition's batch, and the batch has one future. Connections, batch order, idempotence, retries and
timeouts remain kafka-python's. Only this file uses kafka-python's internals, so setup.cfg bounds its version.

The encoding is Kafka's record format v2: a record's length, then attributes, the time since the batch's first record,
its number in the batch, key, value and headers, with numbers as zigzag varints.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from kafka import KafkaProducer, TopicPartition
from kafka.errors import MessageSizeTooLargeError
from kafka.producer.future import FutureRecordMetadata
from kafka.producer.producer_batch import ProducerBatch
from kafka.record.memory_records import MemoryRecordsBuilder

from sf_police.topic.acknowledgements import Acknowledgement
from sf_police.topic.record import Record

_FORMAT: Final = 2
_NULL: Final = b"\x01"  # the length -1
_NO_HEADERS: Final = b"\x00"
_ATTRIBUTES: Final = b"\x00"


@lru_cache(maxsize=1 << 14)
def varint(number: int) -> bytes:
    """Encode a signed number as a zigzag varint."""
    remaining = number << 1 if number >= 0 else (-number << 1) - 1
    encoded = bytearray()
    while remaining > 0x7F:
        encoded.append(remaining & 0x7F | 0x80)
        remaining >>= 7
    encoded.append(remaining)
    return bytes(encoded)


class _Builder(MemoryRecordsBuilder):  # type: ignore[misc] # kafka-python has no types
    """A batch being filled."""

    def add(self, records: Sequence[Record], start: int, time_ms: int) -> int:
        """Append records from `start` on; return how many fitted: none if the batch is already being sent."""
        builder = self._builder
        if builder is None:
            return 0
        number: int = self.next_offset()
        if not number:
            builder._first_timestamp = builder._max_timestamp = time_ms
        since_first_ms = varint(time_ms - builder._first_timestamp)
        first, buffer, room = number, builder._buffer, self._batch_size
        for index in range(start, len(records)):
            _, _, key, value = records[index]
            body = b"%b%b%b%b%b%b%b%b" % (
                _ATTRIBUTES, since_first_ms, varint(number),
                _NULL if key is None else varint(len(key)), key or b"",
                varint(len(value)), value, _NO_HEADERS,
            )  # fmt: skip
            if number and len(buffer) + len(body) + 5 > room:
                break
            buffer += varint(len(body))
            buffer += body
            number += 1
        if number > first:
            builder._max_timestamp = max(time_ms, builder._max_timestamp)
            builder._num_records = number
            builder._last_offset = number - 1
            self._next_offset = number
        return number - first


class _Batch(ProducerBatch):  # type: ignore[misc] # kafka-python has no types
    """A batch whose records share one future, and so one acknowledgement."""

    def __init__(self, where: TopicPartition, records: _Builder, time_ms: int) -> None:
        super().__init__(where, records)
        future = FutureRecordMetadata(self.produce_future, 0, time_ms, None, -1, -1, -1)
        self._record_futures.append(future)
        self.acknowledgement = Acknowledgement(future)


class RecordBatchProducer:
    """Sends records to one topic.

    Args:
        client: connected, and with the topic's metadata.
        topic: its name.
        partitions: number of partitions.
    """

    def __init__(self, client: KafkaProducer, topic: str, partitions: int) -> None:
        self._client = client
        self._accumulator = client._accumulator
        self._accumulator.split_and_reenqueue = self._refuse
        self._partitions = [TopicPartition(topic, number) for number in range(partitions)]

    def send(self, records: Sequence[Record], partition: int) -> list[tuple[Acknowledgement, int]]:
        """Queue records; return (acknowledgement, count) for each batch they went into, in order.

        The acknowledgement covers `count` of these records. A batch filled by several sends has the same
        acknowledgement in each.
        """
        where = self._partitions[partition]
        accumulator = self._accumulator
        time_ms = int(time.time() * 1000)
        queued: list[tuple[Acknowledgement, int]] = []
        sent, is_new = 0, False
        with accumulator._tp_lock(where):
            batches = accumulator._batches[where]
            while sent < len(records):
                # A batch that a retry has put back is already being sent, and accepts nothing more.
                count = batches[-1].records.add(records, sent, time_ms) if batches else 0
                if count:
                    queued.append((batches[-1].acknowledgement, count))
                    sent += count
                else:
                    batches.append(self._new_batch(where, time_ms))
                    is_new = True
        # For an existing batch, the sender already knows when it is due.
        if is_new:
            self._client._sender.wakeup()
        return queued

    def _new_batch(self, where: TopicPartition, time_ms: int) -> _Batch:
        config = self._accumulator.config
        batch = _Batch(where, _Builder(_FORMAT, config["compression_attrs"], config["batch_size"]), time_ms)
        self._accumulator._incomplete.add(batch)
        return batch

    def flush(self) -> None:
        """Wait until everything queued is acknowledged or has failed."""
        self._client.flush()

    @staticmethod
    def _refuse(batch: ProducerBatch) -> None:
        # kafka-python would split the batch and assign each record's future to one half; here they share one future.
        error = MessageSizeTooLargeError("over the topic's max.message.bytes")
        batch.complete_exceptionally(error, lambda _: error)
