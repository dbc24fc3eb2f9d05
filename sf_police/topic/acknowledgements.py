"""The brokers' answer to a batch of records: acknowledged or failed. Sending is done in `record_batches.py`."""

from __future__ import annotations

from kafka.errors import KafkaError
from kafka.producer.future import FutureRecordMetadata

from sf_police.errors import SfPoliceError
from sf_police.topic.failures import text_of


class NotAcknowledgedError(SfPoliceError):
    """The brokers did not acknowledge a batch; the message is the client library's error and its reason."""


class Acknowledgement:
    """The brokers' answer to a batch, shared by all of its records.

    Args:
        future: kafka-python's future for the whole batch.
    """

    __slots__ = ("_future",)

    def __init__(self, future: FutureRecordMetadata) -> None:
        self._future = future

    @property
    def is_done(self) -> bool:
        """Whether the brokers have answered or the client has given up."""
        return bool(self._future.is_done)

    def wait(self) -> None:
        """Wait until the batch is acknowledged. Raises NotAcknowledgedError if it fails."""
        try:
            self._future.get()
        except KafkaError as error:
            raise NotAcknowledgedError(text_of(error)) from error
