"""What a stream leaves behind in the JVM, micro-batch by micro-batch."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.classic.dataframe import DataFrame

from sf_police.calls import QUESTION
from sf_police.store.database import open_database
from sf_police.store.writer import StoreWriter
from sf_police.stream.checkpoint import adopt
from sf_police.stream.compatibility import stream_settings
from sf_police.stream.filesystems import LocalFolder
from sf_police.stream.query import run_stream
from sf_police.topic.admin import describe_topic
from sf_police.topic.clients import kafka_access
from tests.support.builders import a_value
from tests.support.job import Job
from tests.support.question import resolve


@pytest.fixture
def no_full_collections() -> Iterator[None]:
    """Python looks for cycles among young objects only: it makes a full collection hundreds of micro-batches apart."""
    thresholds = gc.get_threshold()
    gc.set_threshold(*thresholds[:2], 1_000_000)
    yield
    gc.set_threshold(*thresholds)


def collect_young() -> None:
    gc.collect(1)


@pytest.mark.usefixtures("no_full_collections")
def test_the_jvm_lets_go_of_a_micro_batch_once_it_is_stored(
    session: SparkSession, make_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(partitions=1)
    job.send(*(a_value(crime_id=str(n)) for n in range(24)))
    settings = {"state_dir": str(job.state), "kafka_bootstrap_servers": job.kafka, "kafka_topic": job.topic}
    config = resolve({**settings, "until_end": "1", "max_offsets_per_trigger": "2"})
    jvm: Any = session._jvm
    frames: list[Any] = []
    to_arrow = DataFrame.toArrow

    def watched(frame: DataFrame) -> Any:
        frames.append(jvm.java.lang.ref.WeakReference(frame._jdf))
        collect_young()  # as a larger micro-batch's rows would: the frame is no young object any more
        return to_arrow(frame)

    monkeypatch.setattr(DataFrame, "toArrow", watched)
    held: list[int] = []

    def count_held(_: object) -> None:
        collect_young()
        jvm.java.lang.System.gc()
        held.append(sum(not frame.refersTo(None) for frame in frames))

    with closing(open_database(config.store, QUESTION)) as database:
        database.create()
        writer = StoreWriter(database)
        topic = describe_topic(kafka_access(config), config.kafka_topic)
        adopt(LocalFolder(Path(config.checkpoint)), writer, stream_settings(config, topic))
        run_stream(session, config, QUESTION, writer, on_batch=count_held, is_stopped=lambda: False)

    assert len(held) == 12
    # The one at hand, and those that are still on the stack of a thread of Py4J's which waits for its next call.
    assert max(held) <= 4
