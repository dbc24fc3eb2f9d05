"""The command `late`: which records were late, read again from the topic.

Heavy modules are imported only where they are needed, so that `produce` never waits for Spark, nor `answer` for Kafka.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Final

from sf_police.commands.run import Run, say
from sf_police.errors import SfPoliceError

if TYPE_CHECKING:
    from sf_police.store.tables import Batch

# Of a table.
_ROWS: Final = 20


def late(run: Run, *, format: str, limit: int | None) -> int:
    """Print which records were late, by how much, and in which micro-batch."""
    from sf_police.spark.failures import jvm_watched
    from sf_police.spark.session import create_session, stop_session
    from sf_police.store.answers import StoreReader
    from sf_police.store.database import existing_database
    from sf_police.stream.compatibility import as_judged
    from sf_police.stream.late import newest_records, read_late_batches
    from sf_police.stream.source import java_properties
    from sf_police.stream.user_options import user_options
    from sf_police.topic import admin
    from sf_police.topic.clients import kafka_access
    from sf_police.topic.rights import READ
    from sf_police.view.late import print_late

    config, question = run.config, run.question
    options = user_options(config)
    with closing(existing_database(config.store, question, config.store_schema)) as database:
        store = StoreReader(database)
        batches, expired = store.late_batches(), store.expired("late")
        settings = (store.stream() or ("", {}))[1]
    many, number = sum(batch.late for batch in batches), len(batches)
    if not batches:
        print_late([], question, format=format, late=0, batches=0, expired=expired)
        return 0
    topic = admin.describe_topic(kafka_access(config), config.kafka_topic, needs=[READ])
    if settings.get("topic_id") != topic.topic_id:
        raise SfPoliceError(
            f"the topic {topic.name} is not the one whose records were counted, but one of the same name or another",
            remedy="set KAFKA_TOPIC and the brokers as for the stream",
        )
    most = limit or (_ROWS if format == "table" else None)
    wanted = _newest(batches, most)
    say(f"reading {len(wanted):,} of {number:,} micro-batches with late records again")
    first = {str(partition.number): partition.first_offset for partition in topic.partitions}
    records = sum(batch.read for batch in wanted)
    config = as_judged(config, settings)
    session = create_session(config, records=records, java_properties=java_properties(config), user_options=options)
    try:
        with jvm_watched(session):
            found = list(read_late_batches(session, config, question, wanted, first))
    finally:
        stop_session(session)
    shown = newest_records(found, most)
    print_late(shown, question, format=format, late=many, batches=number, expired=expired)
    return 0


def _newest(batches: Sequence[Batch], most: int | None) -> list[Batch]:
    # As many as it takes for so many late records.
    wanted: list[Batch] = []
    late = 0
    for batch in reversed(batches):
        if most is not None and late >= most:
            break
        wanted.append(batch)
        late += batch.late
    return wanted[::-1]
