"""What the topic yields when it is counted again, against the store and the stream's state, to the record."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from sqlalchemy import select

from sf_police.config import Config
from sf_police.question import EVENT_TIME, REASON, Question, number_of
from sf_police.store.comparison import Comparison, Key, Keyed, differences, unplaced
from sf_police.store.database import Database
from sf_police.store.digest import CountsRow
from sf_police.store.integrity import sorted_counts
from sf_police.store.tables import Batch, Offsets
from sf_police.stream.filesystems import spark_location
from sf_police.stream.pipeline import rejected_records
from sf_police.stream.recount import BatchRecount, Recount
from sf_police.stream.source import OFFSET, PARTITION, TOPIC, VALUE, kafka_span_options

_EPOCH: Final = datetime(1970, 1, 1)
_MILLISECOND_US: Final = 1_000
_RECORDS_IN_A_TASK: Final = 200_000
_OUTCOMES: Final = ("read", "counted", "duplicates", "late", "rejected")
Recounts = Mapping[int, BatchRecount]


def compare_batches(
    batches: Sequence[Batch], recounts: Recounts, planned: Mapping[int, datetime | None], *, question: Question
) -> Comparison:
    """Compare each micro-batch's books and watermark with what its records are.

    Args:
        batches: consecutive; the first may stand for many that are no longer kept, and then has no watermark.
        recounts: by batch id.
        planned: the watermarks that the micro-batches were planned with; late is judged by the one before.
        question: whether there are late records and duplicates at all.
    """
    said = f"{number_of(len(batches), 'micro-batches')}: what each read, counted and dropped"
    said += ", and its watermark" if question.drops_duplicates else ""
    for batch in batches:
        found = recounts.get(batch.batch_id) or BatchRecount(batch.batch_id, 0, 0, 0, 0, None)
        yields = {
            "read": found.read, "counted": found.counted, "late": found.late, "rejected": found.rejected,
            "duplicates": found.read - found.counted - found.late - found.rejected,
        }  # fmt: skip
        for name in _OUTCOMES:
            if getattr(batch, name) != yields[name]:
                stored = f"the store has {name} {getattr(batch, name):,}"
                return Comparison(said, f"micro-batch {batch.batch_id}: {stored}, the topic yields {yields[name]:,}")
        watermark = planned.get(batch.batch_id - 1)
        is_known = question.drops_duplicates and batch.batch_id > batches[0].batch_id + 1
        if is_known and batch.watermark != watermark:
            what = f"the store has the watermark {batch.watermark}, the topic yields {watermark}"
            return Comparison(said, f"micro-batch {batch.batch_id}: {what}")
    return Comparison(said)


def watermarks(batches: Sequence[Batch], recounts: Recounts, delay: timedelta) -> dict[int, datetime | None]:
    """Return the watermark that each micro-batch is planned with, by the event times of those before; None: none."""
    found: dict[int, datetime | None] = {}
    latest_us = None
    for batch in batches:
        since_epoch = (
            timedelta(0) if latest_us is None else timedelta(milliseconds=latest_us // _MILLISECOND_US) - delay
        )
        found[batch.batch_id] = _EPOCH + since_epoch if since_epoch > timedelta(0) else None
        own_us = recounts[batch.batch_id].latest_us if batch.batch_id in recounts else None
        latest_us = own_us if latest_us is None else max(latest_us, own_us or latest_us)
    return found


def compare_counts(recount: Recount, database: Database) -> Comparison:
    """Compare the counts of the topic with the store's, both in the order of windows and groups."""
    question, loose = database.question, recount.loose()
    may_have = {key for keys in loose for key in keys}
    seen = _Seen()
    surplus: dict[Key, int] = {}
    with database.transaction() as connection:
        stored = seen.counted(_keyed(sorted_counts(connection, database)))
        for key, one, other in differences(recount.counts(), stored):
            if key not in may_have:
                what = f"the topic yields {_values(one, question)}, the store has {_values(other, question)}"
                return Comparison(seen.said, f"{_row_text(key)}: {what}")
            surplus[key] = (other or (0,))[0] - (one or (0,))[0]
    said = f"{number_of(seen.records, question.label(question.rows))} in {number_of(seen.rows, 'rows')}, each the same"
    if loose:
        said += f"; of {number_of(len(loose), 'duplicates')} with different contents any one is right"
    wrong = unplaced(loose, surplus)
    return Comparison(
        said, None if wrong is None else f"{_row_text(wrong)}: no choice of duplicates yields what it has"
    )


class _Seen:
    """What of the store has been compared so far."""

    def __init__(self) -> None:
        self.rows = self.records = 0

    def counted(self, rows: Iterable[Keyed]) -> Iterator[Keyed]:
        """Yield the rows, and add them up."""
        for key, values in rows:
            self.rows += 1
            self.records += values[0]
            yield key, values

    @property
    def said(self) -> str:
        """How far the comparison got."""
        return f"{number_of(self.rows, 'rows')} compared"


def _keyed(rows: Iterable[CountsRow]) -> Iterator[Keyed]:
    for start, _, groups, values in rows:
        texts = (each.encode() if isinstance(each, str) else each for each in groups)
        yield (int((start - _EPOCH).total_seconds()), *texts), tuple(values)


def _row_text(key: Key) -> str:
    start, *groups = key
    texts = (each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each) for each in groups)
    return f"window {_EPOCH + timedelta(seconds=start):%Y-%m-%d %H:%M}, {', '.join(texts)}"


def _values(values: Sequence[int] | None, question: Question) -> str:
    if values is None:
        return "nothing"
    return ", ".join(
        f"{value:,} {question.label(name)}" for name, value in zip(question.added_columns, values, strict=True)
    )


def compare_rejected(
    session: SparkSession, config: Config, database: Database, start: Offsets, end: Offsets
) -> Comparison:
    """Compare the rejected records of a span of the topic with the store's: reason and bytes."""
    options = kafka_span_options(config, {number: start.get(number, 0) for number in end}, end)
    records = session.read.format("kafka").options(**options).load()
    found = rejected_records(records, question=database.question, max_ahead=config.max_ahead).orderBy(PARTITION, OFFSET)
    rejected, seen = database.tables.rejected, 0

    def yielded() -> Iterator[Keyed]:
        for row in found.toLocalIterator(prefetchPartitions=True):
            value = None if row[VALUE] is None else bytes(row[VALUE])
            yield (row[PARTITION], row[OFFSET]), (row[TOPIC], row[REASON], value)

    def stored() -> Iterator[Keyed]:
        nonlocal seen
        columns = (rejected.c[name] for name in (PARTITION, OFFSET, TOPIC, REASON, VALUE))
        query = select(*columns).order_by(rejected.c.partition, rejected.c.offset)
        for number, offset, *rest in connection.execute(query.execution_options(yield_per=1_000)):
            seen += 1
            yield (number, offset), tuple(rest)

    with database.transaction() as connection:
        for (number, offset), one, other in differences(yielded(), stored()):
            what = f"the topic yields {_rejected_text(one)}, the store has {_rejected_text(other)}"
            return Comparison(f"{seen:,} compared", f"partition {number}, offset {offset:,}: {what}")
    return Comparison(f"{number_of(seen, 'records')}, each with its reason and to the byte")


def _rejected_text(row: Any) -> str:
    return "no rejected record" if row is None else f"{row[1]} of {row[2]!r:.120}"


def compare_state(
    session: SparkSession, config: Config, keys: DataFrame, committed: int, watermark: datetime | None
) -> Comparison:
    """Compare the ids and times that the stream remembers with those that it must, by its last committed micro-batch.

    Args:
        session: any.
        config: where the checkpoint is.
        keys: all that were counted, as `counted_keys` returns them.
        committed: the last micro-batch that Spark has committed.
        watermark: that it was planned with: what is not after it is forgotten.
    """
    is_due = F.col("_batch_id") <= committed
    if watermark is not None:
        is_due &= F.unix_micros(EVENT_TIME) > (watermark - _EPOCH) // timedelta(microseconds=1)
    # A session reads state through what its streams share, which the first look at them makes.
    _ = session.streams.active
    with _plain_location(config) as location:
        held = session.read.format("statestore").option("batchId", committed).load(location)
        return _compared(keys.filter(is_due), held, committed)


@contextmanager
def _plain_location(config: Config) -> Iterator[str]:
    # Spark looks for a checkpoint with a blank, or a letter that a URL has to escape, under the escaped name.
    path = config.local_checkpoint
    if path is None or quote(os.path.realpath(path)) == os.path.realpath(path):
        yield spark_location(config.checkpoint)
        return
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder, "checkpoint")
        link.symlink_to(os.path.realpath(path))
        yield f"file://{link}"


def _compared(due_keys: DataFrame, held: DataFrame, committed: int) -> Comparison:
    names = [field.name for field in held.select("key.*").schema]
    id_name = next(name for name in names if name != EVENT_TIME)
    sides = {
        "_due": due_keys.select("_id", EVENT_TIME),
        "_held": held.select(F.col(f"key.{id_name}").alias("_id"), F.col(f"key.{EVENT_TIME}").alias(EVENT_TIME)),
    }
    due, kept = (frame.withColumns({name: F.lit(int(name == side)) for name in sides}) for side, frame in sides.items())
    sums = due.unionByName(kept).groupBy("_id", EVENT_TIME).agg(*(F.sum(name).alias(name) for name in sides))
    first = F.struct(F.unix_micros(EVENT_TIME).alias("us"), F.col("_id").cast("string").alias("id"), *sides)
    [row] = sums.agg(
        F.coalesce(F.sum("_due"), F.lit(0)).alias("due"),
        F.min(F.when(F.col("_due") != F.col("_held"), first)).alias("first"),
    ).collect()
    said = f"{number_of(row['due'], 'ids')} with their times after micro-batch {committed}, as its watermark says"
    if row["first"] is None:
        return Comparison(said)
    us, name, due_times, held_times = row["first"]
    time = _EPOCH + timedelta(microseconds=us)
    what = f"must hold it {due_times} times, and holds it {held_times}"
    return Comparison(said, f"{name} at {time}: the state {what}")


def session_options(session: SparkSession, batches: Sequence[Batch]) -> dict[str, str]:
    """Return options that suit a job over so many records: shuffles that fit into memory, without sorting."""
    records = sum(batch.read for batch in batches)
    return {
        "spark.sql.shuffle.partitions": str(
            max(session.sparkContext.defaultParallelism, records // _RECORDS_IN_A_TASK)
        ),
        "spark.sql.objectHashAggregate.sortBased.fallbackThreshold": str(_RECORDS_IN_A_TASK),
    }
