"""The commands that show: `inspect`, `answer`, `rejected` and `doctor`.

Heavy modules are imported only where they are needed, so that `produce` never waits for Spark, nor `answer` for Kafka.
"""

from __future__ import annotations

import argparse
from contextlib import closing
from datetime import datetime
from functools import partial

from sf_police.commands.run import Run, say
from sf_police.errors import SfPoliceError, UsageError


def window_start(text: str) -> datetime:
    """Parse `2018-12-31 23:30`, or any ISO form of it."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: expected a time such as '2018-12-31 23:30'") from None


def inspect(run: Run, *, follow: bool, pretty: bool) -> int:
    """Show the topic."""
    from sf_police.topic import admin, reading
    from sf_police.topic.clients import kafka_access
    from sf_police.topic.rights import READ
    from sf_police.view.inspect import print_as_they_arrive, print_topic
    from sf_police.view.terminal import hidden_line

    access = kafka_access(run.config)
    topic = admin.describe_topic(access, run.config.kafka_topic, needs=[READ])
    first = partial(reading.read_records, access, topic.name)
    print_topic(topic, first, partial(reading.read_last_records, access, topic.name), is_pretty=pretty)
    if topic.hidden:
        say(hidden_line(topic))
    if follow:
        say("following; press Ctrl-C to stop")
        following = {partition.number: partition.next_offset for partition in topic.partitions}
        with run.stop.awaited():
            arriving = reading.follow_records(access, topic.name, following, is_stopped=run.stop.is_set)
            print_as_they_arrive(arriving, is_pretty=pretty)
    return 0


def answer(
    run: Run, *, format: str, by: str | None, window_start: datetime | None, limit: int | None, rejected: bool
) -> int:
    """Print the answer, or why records are not in it."""
    from sf_police.store.answers import StoreReader
    from sf_police.store.database import existing_database
    from sf_police.view.answer import WINDOW, print_answer, print_result, say_imbalance
    from sf_police.view.rejected import print_rejected

    if window_start is not None and by not in (None, WINDOW):
        what = f"--by {by} cannot be combined with --window, which prints one window and its counts"
        raise UsageError(what, remedy="leave one of them out")
    with closing(existing_database(run.config.store, run.question, run.config.store_schema)) as database:
        reader = StoreReader(database)
        if reader.is_empty():
            raise SfPoliceError("nothing has been counted yet", remedy="run `make run-stream`")
        if rejected:
            print_rejected(reader, format=format, reason="", limit=limit or 1)
            return say_imbalance(reader)
        if format == "table" and window_start is None and by is None:
            return print_result(reader, limit=limit)
        print_answer(reader, format=format, by=by, window_start=window_start, limit=limit)
        return say_imbalance(reader)


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
        print(finding.line, flush=True)
        is_wrong |= finding.state == WRONG
    return 1 if is_wrong else 0
