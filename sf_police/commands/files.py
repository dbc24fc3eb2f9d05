"""The commands `generate`, `create-topic` and `produce`: from a file to the topic.

Heavy modules are imported only where they are needed, so that `produce` never waits for Spark, nor `answer` for Kafka.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sf_police.commands.run import Run, say
from sf_police.errors import SfPoliceError, UsageError, folder_reason
from sf_police.question import number_of

if TYPE_CHECKING:
    from sf_police.produce.json_files import Shape
    from sf_police.produce.resume import Remaining
    from sf_police.topic.admin import Topic
    from sf_police.topic.clients import KafkaAccess


def generate_file(run: Run, *, count: int, seed: int, if_missing: bool, force: bool = False) -> int:
    """Write a file of synthetic records."""
    from sf_police.produce.generated_file import check_name, write_records

    generate, path = run.question.generate, run.config.data
    if if_missing and path.exists():
        say(f"{path} already exists")
        return 0
    is_default = path == run.config.state_dir / run.question.defaults.folder / run.question.defaults.data
    if if_missing and not is_default:
        raise SfPoliceError(f"DATA={path} does not exist", remedy="name a file that does, or leave DATA out")
    if generate is None:
        raise SfPoliceError(f"the question {run.question.name} has no generator", remedy="set DATA to a file of yours")
    try:
        check_name(path)
    except ValueError as error:
        raise UsageError(f"DATA={path}: expected {error}") from None
    started = time.monotonic()
    try:
        write_records(path, generate(count, seed), force=force, is_ours=is_default)
    except OSError as error:
        raise SfPoliceError(f"cannot write {path}: {folder_reason(error)}") from error
    say(f"wrote {number_of(count, run.question.rows)} to {path} in {time.monotonic() - started:.1f} s")
    return 0


def create_topic(run: Run) -> int:
    """Create the topic, unless it already exists."""
    from sf_police.topic import admin
    from sf_police.topic.clients import kafka_access

    name, partitions = run.config.kafka_topic, run.config.partitions
    is_new = admin.create_topic(kafka_access(run.config), name, partitions=partitions)
    say(f"topic {name} {'created' if is_new else 'already exists'}, {number_of(partitions, 'partitions')}")
    return 0


def produce(run: Run, *, file: str | None, order: str, rate: float | None, speed: float | None, again: bool) -> int:
    """Send the file's records that the topic does not hold yet."""
    from sf_police.produce import resume
    from sf_police.topic import admin
    from sf_police.topic.clients import kafka_access
    from sf_police.topic.rights import READ, WRITE

    config = run.config
    access = kafka_access(config)
    # What the topic holds already is found out by reading from it.
    topic = admin.describe_topic(access, config.kafka_topic, needs=[WRITE] if again else [WRITE, READ])
    with resume.only_producer(config):
        path = Path(file) if file else config.data
        remaining = resume.remaining_records(
            access, topic, path, run.question, order=order, folder=config.state_dir, shape=shape(run), again=again,
            say=say,
        )  # fmt: skip
        return send(run, access, topic, remaining, rate=rate, speed=speed)


def shape(run: Run, *, say: Callable[[str], None] = say) -> Shape:
    """Return what turns a file of a city's own shape into records of ours; FEED may name the shape."""
    from sf_police.feed.files import shaped

    return partial(shaped, question=run.question, feed=run.config.feed, say=say)


def send(
    run: Run, access: KafkaAccess, topic: Topic, remaining: Remaining, *, rate: float | None, speed: float | None
) -> int:
    """Send the remaining records, at a pace if there is one; return the exit code."""
    from sf_police.produce import producer
    from sf_police.produce.pace import paced
    from sf_police.topic import sending
    from sf_police.view import progress, terminal

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
    say(terminal.sent_line(sent, time.monotonic() - started))
    if sent.sent < remaining.count:
        left = number_of(remaining.count - sent.sent, run.question.rows)
        say(f"interrupted: {left} not sent; run it again to send the rest")
        return run.stop.exit_code
    return 0
