"""What each command does, by wiring the parts together. The command line is read in `cli.py`.

Heavy modules are imported only where they are needed, so that `produce` never waits for Spark, nor `answer` for Kafka.
Data goes to standard output, everything else to standard error.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sf_police.config import Config
from sf_police.errors import SfPoliceError
from sf_police.how_to import in_reach
from sf_police.output import OutputError
from sf_police.question import Question
from sf_police.stop import Stop

if TYPE_CHECKING:
    from sf_police.view.live import LiveShow


@dataclass(frozen=True)
class Run:
    """What every command receives: the settings, the question, and whether a signal has asked it to end."""

    config: Config
    question: Question
    stop: Stop


class Companion(Protocol):
    """What runs beside the stream."""

    def running(self, show: LiveShow) -> AbstractContextManager[None]:
        """Run in this context; raise its error, if it failed."""

    def is_done(self, counted_to: int) -> bool:
        """Return whether the stream should end; it has counted up to this sum of the partitions' next offsets."""


def window_start(text: str) -> datetime:
    """Parse `2018-12-31 23:30`, or any ISO form of it."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: expected a time such as '2018-12-31 23:30'") from None


def generate_file(run: Run, *, count: int, seed: int, if_missing: bool) -> int:
    """Write a file of synthetic records."""
    from sf_police.produce.generated_file import write_records

    generate, path = run.question.generate, run.config.data
    if generate is None:
        raise SfPoliceError(f"the question {run.question.name} has no generator", remedy="set DATA to a file of yours")
    if if_missing and path.exists():
        _say(f"{path} already exists")
        return 0
    if if_missing and path != run.config.state_dir / run.question.defaults.folder / run.question.defaults.data:
        raise SfPoliceError(f"DATA={path} does not exist", remedy="name a file that does, or leave DATA out")
    started = time.monotonic()
    try:
        write_records(path, generate(count, seed))
    except OSError as error:
        raise SfPoliceError(f"cannot write {path}: {error.strerror}") from error
    _say(f"wrote {count:,} {run.question.rows} to {path} in {time.monotonic() - started:.1f} s")
    return 0


def create_topic(run: Run) -> int:
    """Create the topic, unless it already exists."""
    from sf_police.topic import admin
    from sf_police.topic.clients import kafka_access

    name, partitions = run.config.kafka_topic, run.config.partitions
    is_new = admin.create_topic(kafka_access(run.config), name, partitions=partitions)
    _say(f"topic {name} {'created' if is_new else 'already exists'}, {partitions} partitions")
    return 0


def produce(run: Run, *, file: str | None, order: str, rate: float | None, speed: float | None, again: bool) -> int:
    """Send the file's records that the topic does not hold yet."""
    from sf_police.produce import producer, resume
    from sf_police.produce.pace import paced
    from sf_police.topic import admin, sending
    from sf_police.topic.clients import kafka_access
    from sf_police.view import progress, terminal

    config, rows = run.config, run.question.rows
    access = kafka_access(config)
    topic = admin.describe_topic(access, config.kafka_topic)
    with resume.only_producer(config):
        path = Path(file) if file else config.data
        remaining = resume.remaining_records(
            access, topic, path, run.question, order=order, folder=config.state_dir, again=again, say=_say
        )
        if not remaining.count:
            return 0
        started = time.monotonic()
        due = paced(remaining.records, rate=rate, speed=speed, is_stopped=run.stop.is_set)
        with (
            run.stop.awaited(),
            sending.kafka_producer(access, topic) as client,
            progress.sending(remaining.count, seconds=remaining.seconds(rate=rate, speed=speed)) as on_progress,
        ):
            sent = producer.publish(due, client, partitions=len(topic.partitions), on_progress=on_progress)
        _say(terminal.sent_line(sent, time.monotonic() - started))
    if sent.sent < remaining.count:
        _say(f"interrupted: {remaining.count - sent.sent:,} {rows} were not sent; run it again to send them")
        return run.stop.exit_code
    return 0


def stream(run: Run) -> int:
    """Count the topic's records into the store; at the end, print the answer and the books."""
    code = count_records(run)
    if run.stop.is_set() and run.config.until_end:
        _say("interrupted before the end; run it again to resume")
        return run.stop.exit_code
    return code


def count_records(run: Run, companion: Companion | None = None) -> int:
    """Count the topic's records into the store until the end or a signal; print the answer, and return the exit code.

    Args:
        run: the settings, the question, and the signal.
        companion: what runs beside the stream, from its start on, and can end it.
    """
    from sf_police.spark.session import stop_session
    from sf_police.store.answers import StoreReader
    from sf_police.store.database import open_database
    from sf_police.store.writer import StoreWriter
    from sf_police.stream import checkpoint, query, startup
    from sf_police.topic import admin
    from sf_police.topic.clients import kafka_access
    from sf_police.view import answer, live

    config, stop = run.config, run.stop
    only_stream = checkpoint.exclusive(config.checkpoint, config.state_dir)
    with only_stream, closing(open_database(config.store, run.question, config.store_schema)) as database:
        topic = admin.describe_topic(kafka_access(config), config.kafka_topic)
        config, session = startup.start_session(config, topic, database, say=_say)
        if config.spark_ui_port:
            _say(f"Spark's UI: {session.sparkContext.uiWebUrl}")
        reader, writer = StoreReader(database), StoreWriter(database)
        try:
            with stop.awaited():
                with live.batches(reader, config) as show, companion.running(show) if companion else nullcontext():

                    def is_stopped() -> bool:
                        return stop.is_set() or (companion is not None and companion.is_done(show.counted_to))

                    query.run_stream(
                        session, config, run.question, writer, is_stopped=is_stopped, on_batch=show, say=show.say
                    )
                # Printed before Spark shuts down, which takes a while.
                try:
                    return answer.print_result(reader)
                except OutputError as error:
                    # All is counted and stored. What is printed from now on is dropped; the books still are said.
                    _say(f"{error}: the answer is in the store, `sf-police answer` prints it")
                    return answer.print_result(reader)
        finally:
            stop_session(session)


def inspect(run: Run, *, follow: bool, pretty: bool) -> int:
    """Show the topic."""
    from sf_police.topic import admin, reading
    from sf_police.topic.clients import kafka_access
    from sf_police.view.inspect import print_as_they_arrive, print_topic

    access = kafka_access(run.config)
    topic = admin.describe_topic(access, run.config.kafka_topic)
    first = partial(reading.read_records, access, topic.name)
    print_topic(topic, first, partial(reading.read_last_records, access, topic.name), is_pretty=pretty)
    if follow:
        _say("following; press Ctrl-C to stop")
        following = {partition.number: partition.next_offset for partition in topic.partitions}
        with run.stop.awaited():
            arriving = reading.follow_records(access, topic.name, following, is_stopped=run.stop.is_set)
            print_as_they_arrive(arriving, is_pretty=pretty)
    return 0


def rejected(run: Run, *, format: str, reason: str, limit: int) -> int:
    """Show why records were rejected, with samples."""
    from sf_police.store.answers import StoreReader
    from sf_police.store.database import existing_database
    from sf_police.view.rejected import print_rejected

    with closing(existing_database(run.config.store, run.question, run.config.store_schema)) as database:
        print_rejected(StoreReader(database), format=format, reason=reason, limit=limit)
    return 0


def doctor(run: Run) -> int:
    """Check everything that a run needs."""
    from sf_police.doctor import WRONG, examine

    is_wrong = False
    for finding in examine(run.config, run.question):
        remedy = f" -> {in_reach(finding.remedy)}" if finding.remedy else ""
        print(f"{finding.state:5}  {finding.name}: {finding.text}{remedy}", flush=True)
        is_wrong |= finding.state == WRONG
    return 1 if is_wrong else 0


def answer(
    run: Run, *, format: str, by: str | None, window_start: datetime | None, limit: int | None, rejected: bool
) -> int:
    """Print the answer, or why records are not in it."""
    from sf_police.store.answers import StoreReader
    from sf_police.store.database import existing_database
    from sf_police.view.answer import print_answer, print_result, say_imbalance
    from sf_police.view.rejected import print_rejected

    with closing(existing_database(run.config.store, run.question, run.config.store_schema)) as database:
        reader = StoreReader(database)
        if reader.is_empty():
            raise SfPoliceError("nothing has been counted yet", remedy="run `make run-stream`")
        if rejected:
            print_rejected(reader, format=format, reason="", limit=limit or 1)
            return 0
        if format == "table" and window_start is None and by is None:
            return print_result(reader, limit=limit)
        print_answer(reader, format=format, by=by, window_start=window_start, limit=limit)
        return say_imbalance(reader)


def reset(run: Run) -> int:
    """Delete the checkpoint and the store, once both are proven to be ours; say what else is left in their places."""
    from sf_police.store.database import delete_database, open_database
    from sf_police.stream import checkpoint

    config = run.config
    with closing(open_database(config.store, run.question, config.store_schema)) as database:
        where, stream = database.where, database.owner_if_readable()
    checkpoint.ensure_ours(config.checkpoint, stream)
    with checkpoint.exclusive(config.checkpoint, config.state_dir):
        is_known = checkpoint.names_store(config.checkpoint, where)
        # The store first: if it is not ours, or in use, nothing is deleted.
        left = delete_database(config.store, run.question, config.store_schema, is_known=is_known)
        left += checkpoint.delete(config.checkpoint)
    _say("deleted the checkpoint and the store; the next run starts over")
    if left:
        _say(f"left, as this program did not make it: {', '.join(left)}")
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
