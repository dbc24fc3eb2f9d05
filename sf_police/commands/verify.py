"""The command `verify`: file = topic = the stream's state = store, each pair compared to the record.

Heavy modules are imported only where they are needed, so that `produce` never waits for Spark, nor `answer` for Kafka.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from sf_police.checks import duration_s
from sf_police.commands.files import shape
from sf_police.commands.run import Run, say
from sf_police.errors import SfPoliceError, UsageError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from sf_police.config import Config
    from sf_police.produce.json_files import Shape
    from sf_police.question import Question
    from sf_police.store.comparison import Comparison
    from sf_police.store.database import Database
    from sf_police.store.tables import Batch
    from sf_police.stream.filesystems import Folder
    from sf_police.stream.recount import BatchRecount
    from sf_police.topic.admin import Topic

Show = Callable[[str, "Comparison"], None]


def add_verify_arguments(sub: argparse.ArgumentParser) -> None:
    """Add what the command takes besides settings."""
    sub.add_argument("--order", choices=("event", "file"), default="event", help="as the file was sent (`produce`)")


def verify(run: Run, *, order: str) -> int:
    """Print a line for each pair that was compared; return 1 if any differs."""
    from sf_police.store.database import existing_database
    from sf_police.stream import checkpoint
    from sf_police.view.verify import comparison_line

    config, question = run.config, run.question
    started, different = time.monotonic(), 0

    def show(pair: str, comparison: Comparison) -> None:
        nonlocal different
        different += comparison.difference is not None
        print(comparison_line(pair, comparison), flush=True)

    only_user = checkpoint.exclusive(config.checkpoint, config.state_dir)
    opened = closing(existing_database(config.store, question, config.store_schema))
    with only_user, opened as database, database.held():
        _Verification(config, question, database, show).run(order, shape(run))
    say(f"{different or 'no'} difference{'' if different == 1 else 's'}, in {time.monotonic() - started:.1f} s")
    return 1 if different else 0


@dataclass
class _Verification:
    """The comparisons of a stream that rests, in an order in which the quick ones come first."""

    config: Config
    question: Question
    database: Database
    show: Show

    def run(self, order: str, shape: Shape) -> None:
        """Make all comparisons."""
        from sf_police.store.answers import StoreReader
        from sf_police.store.integrity import compare_digests
        from sf_police.stream.compatibility import as_judged
        from sf_police.stream.filesystems import LocalFolder

        store = StoreReader(self.database)
        stream = store.stream()
        if stream is None or store.is_empty():
            raise SfPoliceError("nothing has been counted yet", remedy="run `make run-stream`")
        topic = self._topic(stream[1])
        self.config = as_judged(self.config, stream[1])
        self._compare_file(topic, order, shape)
        if self.config.local_checkpoint:
            self._compare_checkpoint(LocalFolder(self.config.local_checkpoint))
        self._compare_books()
        self.show("batches and counts", compare_digests(self.database))
        self._recount(topic)

    def _topic(self, settings: dict[str, Any]) -> Topic:
        from sf_police.topic import admin
        from sf_police.topic.clients import kafka_access
        from sf_police.topic.rights import READ

        access = kafka_access(self.config)
        topic = admin.describe_topic(access, self.config.kafka_topic, needs=[READ])
        if settings.get("topic_id") != topic.topic_id:
            raise SfPoliceError(
                f"the topic {topic.name} is not the one whose records were counted, but another",
                remedy="set KAFKA_TOPIC and the brokers as for the stream",
            )
        if settings.get("isolation_level") != access.isolation_level:
            raise SfPoliceError(
                f"the stream has read with isolation.level={settings.get('isolation_level')}, not "
                f"{access.isolation_level}",
                remedy="set KAFKA_CLIENT_PROPERTIES as for the stream",
            )
        return topic

    def _compare_file(self, topic: Topic, order: str, shape: Shape) -> None:
        from sf_police.produce.comparing import compare_file
        from sf_police.produce.records import read_in_order
        from sf_police.store.comparison import Comparison
        from sf_police.topic.clients import kafka_access
        from sf_police.topic.scanning import scan_records

        path, defaults = self.config.data, self.question.defaults
        if not path.exists():
            if path != self.config.state_dir / defaults.folder / defaults.data:
                raise UsageError(f"DATA={path} does not exist", remedy="name a file that does, or leave DATA out")
            self.show("file and topic", Comparison(f"not compared: there is no {path}", is_done=False))
            return
        records = read_in_order(path, self.question, order=order, folder=self.config.state_dir, shape=shape)
        spans = {each.number: (each.first_offset, each.next_offset) for each in topic.partitions}
        scan = partial(scan_records, kafka_access(self.config), topic.name)
        self.show("file and topic", compare_file(records, spans, scan))

    def _compare_checkpoint(self, folder: Folder) -> None:
        from sf_police.store.answers import StoreReader
        from sf_police.store.comparison import Comparison
        from sf_police.stream.checkpoint import matching_settings, steps

        try:
            matching_settings(folder, StoreReader(self.database), self.config.checkpoint)
        except SfPoliceError as error:
            self.show("checkpoint and store", Comparison("", error.what))
        else:
            said = f"the same stream, at micro-batch {steps(folder)[1]:,}, with the same offsets"
            self.show("checkpoint and store", Comparison(said))

    def _compare_books(self) -> None:
        from sf_police.store.answers import StoreReader
        from sf_police.store.comparison import Comparison
        from sf_police.view.terminal import books_line

        books = StoreReader(self.database).books()
        line = books_line(books, rows=self.question.label(self.question.rows)).removeprefix("books: ")
        self.show("books and tables", Comparison(line, None if books.is_balanced else line))

    def _recount(self, topic: Topic) -> None:
        from sf_police.spark.failures import jvm_watched
        from sf_police.spark.session import create_session, stop_session
        from sf_police.store.answers import StoreReader
        from sf_police.store.comparison import Comparison
        from sf_police.store.places import all_batches
        from sf_police.stream.elsewhere import HadoopFolder
        from sf_police.stream.filesystems import LocalFolder
        from sf_police.stream.source import java_properties
        from sf_police.stream.user_options import user_options

        batches = all_batches(StoreReader(self.database))
        why = _not_recounted(batches, topic)
        if why:
            self.show("topic and store", Comparison(f"not counted again: {why}", is_done=False))
            return
        read = sum(batch.read for batch in batches)
        properties, options = java_properties(self.config), user_options(self.config)
        session = create_session(self.config, records=read, java_properties=properties, user_options=options)
        try:
            with jvm_watched(session), _spark_failures(), ExitStack() as opened:
                local = self.config.local_checkpoint
                if local:
                    self._compare_recount(session, batches, LocalFolder(local))
                else:
                    folder = opened.enter_context(closing(HadoopFolder(session, self.config.checkpoint, say=say)))
                    self._compare_checkpoint(folder)
                    self._compare_recount(session, batches, folder)
        finally:
            stop_session(session)

    def _compare_recount(self, session: SparkSession, batches: list[Batch], folder: Folder) -> None:
        from sf_police.stream import verifying
        from sf_police.stream.checkpoint import steps
        from sf_police.stream.recount import Recount

        config, question = self.config, self.question
        for name, value in verifying.session_options(session, batches).items():
            session.conf.set(name, value)
        with closing(Recount(session, config, question, batches)) as recount:
            recounts = {found.batch_id: found for found in recount.batches()}
            planned = verifying.watermarks(batches, recounts, timedelta(seconds=duration_s(config.watermark)))
            self.show("topic and batches", verifying.compare_batches(batches, recounts, planned, question=question))
            self.show("topic and counts", verifying.compare_counts(recount, self.database))
            self._compare_rejected(session, batches, recounts.values())
            committed = steps(folder)[1]
            if recount.keys is not None and committed in planned:
                with _spark_failures("the state cannot be read", self.show):
                    found = verifying.compare_state(session, config, recount.keys, committed, planned[committed])
                    self.show("topic and state", found)

    def _compare_rejected(self, session: SparkSession, batches: list[Batch], recounts: Iterable[BatchRecount]) -> None:
        from sf_police.store.answers import StoreReader
        from sf_police.store.comparison import Comparison
        from sf_police.stream.verifying import compare_rejected

        kept = batches[1:] if _is_folded(batches[0]) else batches
        if not any(found.rejected for found in recounts) and not StoreReader(self.database).rejected(1):
            self.show("topic and rejected", Comparison("neither has any"))
            return
        start, end = kept[0].start_offsets, kept[-1].end_offsets
        self.show("topic and rejected", compare_rejected(session, self.config, self.database, start, end))


def _is_folded(batch: Batch) -> bool:
    return not batch.version


def _not_recounted(batches: list[Batch], topic: Topic) -> str:
    first = batches[0]
    if _is_folded(first) and first.late:
        return (
            f"which {first.late:,} records were late is unknown, as their micro-batches are no longer kept (RETENTION)"
        )
    there = {str(each.number): each.first_offset for each in topic.partitions}
    lost = sum(max(0, there.get(number, 0) - first.start_offsets.get(number, 0)) for number in first.end_offsets)
    return f"{lost:,} records that were counted are no longer in the topic (retention)" if lost else ""


@contextmanager
def _spark_failures(what: str = "", show: Show | None = None) -> Iterator[None]:
    """Turn Spark's failures into one line: an error, or the difference that a comparison has found."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    from sf_police.spark.failures import failure
    from sf_police.store.comparison import Comparison

    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        if show is None:
            raise failure(error) from error
        show("topic and state", Comparison("", f"{what}: {failure(error).what}"))
