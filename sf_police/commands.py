"""What each command does: the wiring of the parts.

Imports the heavy ones only where they are needed, so that `produce` never waits for Spark, nor `answer` for Kafka.
Data goes to standard output, everything else to standard error.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sf_police.calls import generate
from sf_police.config import Config
from sf_police.errors import SfPoliceError
from sf_police.stop import Stop

if TYPE_CHECKING:
    from sf_police.produce.records import Records


def window_start(text: str) -> datetime:
    """`2018-12-31 23:30`, or any ISO form of it."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: it takes a time such as '2018-12-31 23:30'") from None


def generate_file(config: Config, *, calls: int, seed: int, if_missing: bool, stop: Stop) -> int:
    """Write a file of synthetic calls."""
    if if_missing and config.data.exists():
        _say(f"{config.data} is there already")
        return 0
    started = time.monotonic()
    try:
        generate.write_calls(config.data, calls=calls, seed=seed)
    except OSError as error:
        raise SfPoliceError(f"cannot write {config.data}: {error.strerror}") from error
    _say(f"wrote {calls:,} calls to {config.data} in {time.monotonic() - started:.1f} s")
    return 0


def create_topic(config: Config, *, stop: Stop) -> int:
    """Create the topic, if it is not there."""
    from sf_police.topic import admin
    from sf_police.topic.clients import kafka_access

    is_new = admin.create_topic(kafka_access(config), config.kafka_topic, partitions=config.partitions)
    _say(f"topic {config.kafka_topic} {'created' if is_new else 'is there already'}, {config.partitions} partitions")
    return 0


def produce(
    config: Config, *, file: str | None, order: str, rate: float | None, speed: float | None, again: bool, stop: Stop
) -> int:
    """Send what the topic does not hold of the file yet."""
    from sf_police.produce import producer, resume
    from sf_police.produce.pace import paced
    from sf_police.topic import admin, reading, sending
    from sf_police.topic.clients import kafka_access
    from sf_police.view import progress, terminal

    path = Path(file) if file else config.data
    access = kafka_access(config)
    topic = admin.describe_topic(access, config.kafka_topic)
    with resume.alone(config):
        started = time.monotonic()
        records = _read_records(path, order, config.state_dir)
        producer.ensure_sendable(records)
        _say(f"read and ordered {len(records):,} calls in {time.monotonic() - started:.1f} s")
        rest = resume.Rest(len(records), records)
        if not again:
            rest = resume.missing_records(records, topic, partial(reading.read_records, access, topic.name))
        if rest.count < len(records):
            held = len(records) - rest.count
            _say(f"the topic holds {held:,} of {len(records):,} calls; sending the other {rest.count:,}")
        started = time.monotonic()
        stop.is_awaited = True
        due = paced(rest.records, rate=rate, speed=speed, is_stopped=stop.is_set)
        with sending.kafka_producer(access, topic) as client, progress.sending(rest.count) as on_progress:
            sent = producer.publish(due, client, partitions=len(topic.partitions), on_progress=on_progress)
        _say(terminal.sent_line(sent, time.monotonic() - started))
    if sent.sent < rest.count:
        _say(f"interrupted: {rest.count - sent.sent:,} calls are not sent; run it again to send them")
        return stop.exit_code
    return 0


def _read_records(path: Path, order: str, folder: Path) -> Records:
    from sf_police.produce import json_files, records

    arrange = records.file_records if order == "file" else records.event_records
    # Calls are no cycles; to go over them all again and again in search of some takes a fifth of the time.
    gc.disable()
    try:
        return arrange(json_files.read_calls(path), folder)
    except SfPoliceError as error:
        raise SfPoliceError(f"{error}; nothing was sent") from error
    finally:
        gc.freeze()
        gc.enable()


def stream(config: Config, *, stop: Stop) -> int:
    """Count the topic's calls into the store; at the end, the books and the answer."""
    from sf_police.spark.session import stop_session
    from sf_police.store import writer as store
    from sf_police.stream import checkpoint, compatibility, sink
    from sf_police.topic import admin
    from sf_police.topic.clients import kafka_access
    from sf_police.view import answer as show
    from sf_police.view import live

    alone = checkpoint.exclusive(config.checkpoint, config.state_dir)
    with alone, closing(store.open_store(config.store)) as open_store:
        topic = admin.describe_topic(kafka_access(config), config.kafka_topic)
        config, session = compatibility.guarded_session(config, topic, open_store, say=_say)
        try:
            stop.is_awaited = True
            stop.listen()  # Spark has a handler of its own, which interrupts
            with live.batches(open_store) as on_batch:
                sink.run_stream(session, config, open_store, is_stopped=stop.is_set, on_batch=on_batch)
            # The answer does not wait for Spark's end.
            code = show.result(open_store)
        finally:
            stop_session(session)
    if stop.is_set() and config.until_end:
        _say("interrupted before the end; run it again to go on from there")
        return stop.exit_code
    return code


def inspect(config: Config, *, follow: bool, stop: Stop) -> int:
    """Show the topic."""
    from sf_police.topic import admin, reading
    from sf_police.topic.clients import kafka_access
    from sf_police.view import answer as show
    from sf_police.view import terminal

    access = kafka_access(config)
    topic = admin.describe_topic(access, config.kafka_topic)
    show.table(f"{topic.name}: {topic.records:,} records", terminal.topic_table(topic))
    filled = [partition for partition in topic.partitions if partition.records]
    for name, offsets in (
        ("first", {partition.number: partition.first_offset for partition in filled}),
        ("last", {partition.number: partition.next_offset - 1 for partition in filled}),
    ):
        for record in reading.read_records(access, topic.name, offsets).values():
            print(f"{name} of {terminal.record_text(record)}")
    if follow:
        sys.stdout.flush()
        _say("following; Ctrl-C ends it")
        stop.is_awaited = True
        following = {partition.number: partition.next_offset for partition in topic.partitions}
        for record in reading.follow_records(access, topic.name, following, is_stopped=stop.is_set):
            print(terminal.record_text(record), flush=True)
    return 0


def doctor(config: Config, *, stop: Stop) -> int:
    """Look at everything that a run needs."""
    from sf_police.doctor import WRONG, examine

    is_wrong = False
    for finding in examine(config):
        remedy = f" -> {finding.remedy}" if finding.remedy else ""
        print(f"{finding.state:5}  {finding.name}: {finding.text}{remedy}", flush=True)
        is_wrong |= finding.state == WRONG
    return 1 if is_wrong else 0


def answer(
    config: Config, *, format: str, by: str | None, window_start: datetime | None, limit: int | None, stop: Stop
) -> int:
    """Print the answer."""
    from sf_police.store import writer as store
    from sf_police.view import answer as show

    with closing(store.existing_store(config.store)) as open_store:
        if open_store.is_empty():
            raise SfPoliceError("nothing is counted yet: try `make run-stream`")
        if format == "table" and window_start is None and by is None:
            return show.result(open_store, limit=limit)
        show.answer(open_store, format=format, by=by, window_start=window_start, limit=limit)
        return 0


def reset(config: Config, *, stop: Stop) -> int:
    """Delete the checkpoint and the store."""
    from sf_police.store import writer as store
    from sf_police.stream import checkpoint

    with checkpoint.exclusive(config.checkpoint, config.state_dir):
        checkpoint.delete(config.checkpoint)
        store.delete_store(config.store)
    _say("checkpoint and store are gone; the next run starts over")
    return 0


def make_archive(config: Config, *, stop: Stop) -> int:
    """Make the archive of Spark's classes."""
    from sf_police.spark.class_archive import create_archive

    path = create_archive(config)
    if path is None:
        _say("this Java makes no archive of classes: Spark will start a little later, and do the same")
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
