"""The command `trace`: one record's way, from the file to the store.

Heavy modules are imported only where they are needed, so that `produce` never waits for Spark, nor `answer` for Kafka.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

from sf_police.commands.files import shape
from sf_police.commands.run import Run, say
from sf_police.errors import UsageError
from sf_police.question import Question

if TYPE_CHECKING:
    from sf_police.store.database import Database
    from sf_police.trace.tracer import Tracer


def natural(text: str) -> int:
    """Parse a whole number of at least 0."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text}: expected a whole number of at least 0")
    return int(text)


def add_trace_arguments(sub: argparse.ArgumentParser, question: Question) -> None:
    """Add what the command takes besides settings."""
    sub.add_argument("id", nargs="?", metavar=question.id.upper(), help=f"the {question.id} of the record")
    sub.add_argument("--partition", type=natural, metavar="N", help="with --offset: the record at a place in the topic")
    sub.add_argument("--offset", type=natural, metavar="N", help="with --partition")
    sub.add_argument("--format", choices=("text", "json"), default="text", help="form (default: %(default)s)")


def trace(run: Run, *, id: str | None, partition: int | None, offset: int | None, format: str) -> int:
    """Print what became of the records with an id, or of the one at an offset."""
    from sf_police.store.database import open_database
    from sf_police.view.trace import print_trace

    config, question = run.config, run.question
    has_place = partition is not None and offset is not None
    if (id is None) == (not has_place) or (partition is None) != (offset is None):
        what = f"expected either a {question.id}, or --partition and --offset"
        raise UsageError(what, remedy=f"`sf-police trace {question.id.upper()}`")
    with closing(open_database(config.store, question, config.store_schema, is_read_only=True)) as database:
        tracer = tracer_of(run, database, say=say)
        found = tracer.by_id(id) if id is not None else tracer.at(partition or 0, offset or 0)
    print_trace(found, question, format=format)
    return 0


def tracer_of(run: Run, database: Database, *, say: Callable[[str], None]) -> Tracer:
    """Return what looks through the run's file, topic and store; `say` is told whose columns the file has."""
    from sf_police.store.answers import StoreReader
    from sf_police.topic.clients import kafka_access
    from sf_police.trace.tracer import Tracer

    config, store = run.config, StoreReader(database)
    return Tracer(
        kafka_access(config), config.kafka_topic, run.question, config.data, shape(run, say=say),
        store if store.stream() is not None else None,
    )  # fmt: skip
