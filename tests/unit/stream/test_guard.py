"""What must hold for every micro-batch: else nothing of it is stored, and one line says why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sf_police.calls import QUESTION
from sf_police.config import Config
from sf_police.errors import SfPoliceError
from sf_police.store.answers import StoreReader
from sf_police.store.database import delete_database, open_database
from sf_police.store.writer import StoreWriter
from sf_police.stream.compatibility import WAY_OUT, made_with, stream_settings, with_added_partitions
from sf_police.stream.guard import BatchGuard
from sf_police.topic.watch import TopicIdentity
from tests.support.builders import a_batch, a_counts_table
from tests.support.question import resolve

TOPIC = TopicIdentity("calls", "id", "cluster", (0, 1))
MORE = replace(TOPIC, partitions=(0, 1, 2))
ADDED = (
    "the topic calls has 3 partitions now, 2 before; nothing is damaged: the new ones are counted from their start "
    "(for other counts, run `make reset` and count all again)"
)


class FakeWatch:
    """Says what the topic is."""

    topic: TopicIdentity | None = TOPIC
    closed = 0

    def identity(self) -> TopicIdentity | None:
        return self.topic

    def close(self) -> None:
        self.closed += 1


class Stream:
    """A store that a stream has adopted, its guard, and what was said."""

    def __init__(self, config: Config) -> None:
        self.config, self.said = config, list[str]()
        self.database = open_database(config.store, QUESTION)
        self.writer, self.reader = StoreWriter(self.database), StoreReader(self.database)
        self.writer.adopt_stream("query", self.settings())
        self.watch: Any = FakeWatch()
        self.guard = BatchGuard(config, self.writer, self.watch, say=self.said.append)

    def settings(self, topic: TopicIdentity = TOPIC) -> dict[str, Any]:
        return stream_settings(self.config, topic)

    def write(self, batch_id: int = 0) -> None:
        batch = a_batch(batch_id, start=batch_id, read=1, late=1)
        self.writer.write_batch(batch, a_counts_table([]), [], self.guard.check)


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[Stream]:
    stream = Stream(resolve({"state_dir": str(tmp_path), "kafka_topic": "calls"}))
    with closing(stream.database):
        yield stream


def test_a_batch_is_stored_while_all_is_as_it_was(stream: Stream) -> None:
    stream.write(0)
    stream.write(1)

    assert [batch.batch_id for batch in stream.reader.last_batches(5)] == [1, 0]
    assert stream.said == []


@pytest.mark.parametrize(
    ("topic", "line"),
    [
        (None, "the topic calls was deleted while its stream was running"),
        (replace(TOPIC, topic_id="other"), "the checkpoint {} was made with topic_id id, not other"),
        (replace(TOPIC, cluster_id="other"), "the checkpoint {} was made with cluster_id cluster, not other"),
        (replace(TOPIC, partitions=(0,)), "the checkpoint {} was made with partitions 2, not 1"),
    ],
    ids=["deleted", "made again", "another cluster", "fewer partitions"],
)
def test_another_topic_is_refused_as_at_the_start(stream: Stream, topic: TopicIdentity | None, line: str) -> None:
    stream.write(0)
    stream.watch.topic = topic

    with pytest.raises(SfPoliceError) as refused:
        stream.write(1)

    assert (refused.value.what, refused.value.remedy) == (line.format(stream.config.checkpoint), WAY_OUT)
    assert [batch.batch_id for batch in stream.reader.last_batches(5)] == [0]


def test_another_isolation_level_is_refused(stream: Stream) -> None:
    stored = stream.settings()
    current = {**stored, "isolation_level": "read_uncommitted"}

    with pytest.raises(SfPoliceError, match="made with isolation_level read_committed, not read_uncommitted"):
        with_added_partitions(stored, current, made="it was made", say=stream.said.append)


def test_another_bound_of_the_event_time_is_refused_and_an_older_checkpoint_had_a_day(stream: Stream) -> None:
    stored = stream.settings()
    older = {name: value for name, value in stored.items() if name != "max_ahead"}

    with pytest.raises(SfPoliceError, match="made with max_ahead 1 day, not 1 hour"):
        with_added_partitions(older, {**stored, "max_ahead": "1 hour"}, made="it was made", say=stream.said.append)
    resumed = with_added_partitions(older, stored, made="it was made", say=stream.said.append)
    assert resumed == {**stored, "state_store": "memory"}


def test_added_partitions_are_counted_said_once_and_remembered(stream: Stream) -> None:
    stream.write(0)
    stream.watch.topic = MORE
    stream.write(1)
    stream.write(2)

    assert stream.said == [ADDED]
    assert stream.reader.stream() == ("query", made_with(stream.settings(MORE)))
    assert [batch.batch_id for batch in stream.reader.last_batches(5)] == [2, 1, 0]


def test_added_partitions_of_a_batch_that_is_not_stored_are_not_remembered(stream: Stream) -> None:
    def fail(connection: Any) -> None:
        stream.guard.check(connection)
        raise SfPoliceError("the disk is full")

    stream.watch.topic = MORE
    with pytest.raises(SfPoliceError, match="the disk is full"):
        stream.writer.write_batch(a_batch(), a_counts_table([]), [], fail)

    assert stream.reader.stream() == ("query", stream.settings())

    stream.write()  # as when the store was lost, and the transaction is tried again
    assert stream.reader.stream() == ("query", made_with(stream.settings(MORE)))


def test_a_store_that_was_given_to_another_stream_is_left_to_it(stream: Stream) -> None:
    stream.writer.adopt_stream("another", stream.settings())

    with pytest.raises(SfPoliceError, match="was given to another stream while this one was running"):
        stream.write()
    assert stream.reader.last_batches(1) == []


def test_a_store_that_is_deleted_under_a_stream_is_said(stream: Stream) -> None:
    stream.write(0)
    delete_database(stream.config.store, QUESTION)

    with pytest.raises(SfPoliceError, match="was deleted or replaced while it was in use: put it back, or run `make"):
        stream.write(1)


def test_a_store_that_is_replaced_under_a_stream_gets_nothing(stream: Stream) -> None:
    stream.write(0)
    delete_database(stream.config.store, QUESTION)
    with closing(open_database(stream.config.store, QUESTION)) as other:
        StoreWriter(other).adopt_stream("another", stream.settings())

        with pytest.raises(SfPoliceError, match="was given to another stream"):
            stream.write(1)
        assert StoreReader(other).last_batches(1) == []
