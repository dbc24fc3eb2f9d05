"""The command `stream`: from the topic to the store.

Heavy modules are imported only where they are needed, so that `produce` never waits for Spark, nor `answer` for Kafka.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, closing, nullcontext
from typing import TYPE_CHECKING, Final, Protocol

from sf_police.commands.metrics import metrics_served
from sf_police.commands.run import Run, say
from sf_police.how_to import in_reach
from sf_police.output import OutputError

if TYPE_CHECKING:
    from sf_police.view.live import LiveShow


_ON_EVERY_ADDRESS: Final = ", and on every other address of this machine, unless SPARK_LOCAL_IP names one"


class Companion(Protocol):
    """What runs beside the stream."""

    def running(self, show: LiveShow) -> AbstractContextManager[None]:
        """Run in this context; raise its error, if it failed."""

    def is_done(self, counted_to: int) -> bool:
        """Return whether the stream should end; it has counted up to this sum of the partitions' next offsets."""


def stream(run: Run, *, dry_run: bool) -> int:
    """Count the topic's records into the store; at the end, print the answer and the books. Or say what would stop it.

    Args:
        run: the settings, the question, and the signal.
        dry_run: only check what a start checks.
    """
    if dry_run:
        from sf_police.commands import dry_run as rehearsal

        return rehearsal.dry_run(run)
    code = count_records(run)
    if run.stop.is_set() and run.config.until_end:
        say("interrupted before the end; run it again to resume")
        return run.stop.exit_code
    return code


def count_records(run: Run, companion: Companion | None = None) -> int:
    """Count the topic's records into the store until the end or a signal; print the answer, and return the exit code.

    Args:
        run: the settings, the question, and the signal.
        companion: what runs beside the stream, from its start on, and can end it.
    """
    from sf_police.spark.failures import jvm_watched
    from sf_police.spark.session import stop_session
    from sf_police.store.answers import StoreReader
    from sf_police.store.database import open_database
    from sf_police.store.writer import StoreWriter
    from sf_police.stream import checkpoint, query, startup
    from sf_police.stream.query_state import QueryState
    from sf_police.topic import admin
    from sf_police.topic.clients import kafka_access
    from sf_police.topic.rights import READ
    from sf_police.view import answer, live, terminal

    config, stop, state = run.config, run.stop, QueryState()
    startup.checked_options(config)  # before anything is held, made or asked
    only_stream = checkpoint.exclusive(config.checkpoint, config.state_dir)
    opened = closing(open_database(config.store, run.question, config.store_schema))
    with only_stream, opened as database, database.held(), metrics_served(run, state):
        topic = admin.describe_topic(kafka_access(config), config.kafka_topic, needs=[READ])
        if topic.hidden:
            say(terminal.hidden_line(topic))
        config, session = startup.start_session(config, topic, database, say=say)
        reader, writer = StoreReader(database), StoreWriter(database, config.retained)
        try:
            with jvm_watched(session), stop.awaited():
                if config.spark_ui_port:
                    note = "" if config.has_loopback_master else _ON_EVERY_ADDRESS
                    say(f"Spark's UI: {session.sparkContext.uiWebUrl}{note}")
                with (
                    live.batches(reader, config, topic) as show,
                    companion.running(show) if companion else nullcontext(),
                ):

                    def is_stopped() -> bool:
                        return stop.is_set() or (companion is not None and companion.is_done(show.counted_to))

                    query.run_stream(
                        session,
                        config,
                        run.question,
                        writer,
                        is_stopped=is_stopped,
                        on_batch=show,
                        say=show.say,
                        state=state,
                    )
                while not stop.is_set() and writer.settle():
                    pass  # a step at a time, so that a signal is not kept waiting
                # Printed before Spark shuts down, which takes a while.
                try:
                    return answer.print_run(reader)
                except OutputError as error:
                    # All is counted and stored. What is printed from now on is dropped; the books still are said.
                    say(f"{error}: the answer is in the store, {in_reach('`sf-police answer`')} prints it")
                    return answer.print_run(reader)
        finally:
            stop_session(session)
