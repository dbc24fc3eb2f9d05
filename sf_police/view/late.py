"""Prints which records were late, by how much, and in which micro-batch. Values are untrusted: shown without effect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sf_police.output import say
from sf_police.question import EVENT_TIME, Question, number_of
from sf_police.view import records, terminal
from sf_police.view.answer import print_table
from sf_police.view.fitted import Column, FittedTable
from sf_police.view.terminal import span

if TYPE_CHECKING:  # so that --help does not wait for Spark
    from sf_police.stream.late import LateBatch, LateRecord

_MOST_CHARACTERS = 1_000


def print_late(
    found: Sequence[LateBatch], question: Question, *, format: str, late: int, batches: int, expired: int = 0
) -> None:
    """Print late records.

    Args:
        found: micro-batches with late records, in their order.
        question: the stream's.
        format: `table`, `json`, or `csv` with a row for each record.
        late: how many records were late in them, and in those that are not shown.
        batches: in how many micro-batches.
        expired: how many were late besides, in micro-batches that are no longer kept.
    """
    if format == "json":
        shown = [_batch(each, question) for each in found]
        print(terminal.to_json({"late": late, "micro_batches": batches, "shown": shown}))
    elif format == "csv":
        rows = [_plain(each, record, question) for each in found for record in each.records]
        columns = ("batch_id", "watermark", "partition", "offset", question.id, EVENT_TIME, "late_by_seconds", "value")
        print(terminal.to_csv(rows, columns=columns), end="")
    else:
        rows_late = number_of(late, f"late {question.label(question.rows)}")
        heading = f"{rows_late} in {number_of(batches, 'micro-batches')}"
        if not late:
            print("nothing was late in the micro-batches that are kept" if expired else "nothing was late")
        elif not any(each.records for each in found):
            print(heading)  # why none is shown is said below
        else:
            print_table(f"{heading}, the newest first", _table(found, question))
    for line in missing_lines(found):
        say(line)
    if expired:
        rows_late = number_of(expired, f"late {question.label(question.rows)}")
        say(f"besides, {rows_late} in micro-batches that are no longer kept one by one (RETENTION)")


def missing_lines(found: Iterable[LateBatch]) -> Iterator[str]:
    """Say which batches' late records are no longer in the topic."""
    for each in found:
        if each.missing:
            yield (
                f"micro-batch {each.batch.batch_id}: {each.missing:,} of {each.batch.late:,} late records are no "
                "longer in the topic (retention)"
            )


def _batch(found: LateBatch, question: Question) -> dict[str, Any]:
    batch = found.batch
    return {
        "batch_id": batch.batch_id,
        "watermark": batch.watermark,
        "late": batch.late,
        "no_longer_in_the_topic": found.missing,
        "records": [_record(record, question) for record in found.records],
    }


def _plain(found: LateBatch, record: LateRecord, question: Question) -> dict[str, Any]:
    return {"batch_id": found.batch.batch_id, "watermark": found.batch.watermark, **_record(record, question)}


def _record(record: LateRecord, question: Question) -> dict[str, Any]:
    return {
        "partition": record.partition,
        "offset": record.offset,
        question.id: record.fields[question.id],
        EVENT_TIME: record.event_time,
        "late_by_seconds": record.late_by.total_seconds(),
        "value": records.value_text(record.value, most=_MOST_CHARACTERS),
    }


def _table(found: Sequence[LateBatch], question: Question) -> FittedTable:
    rows = [(each, record) for each in reversed(found) for record in reversed(each.records)]

    def column(heading: str, cells: list[str], rank: int = 0, *, is_text: bool = False) -> Column:
        return Column(heading, cells, rank=rank, is_text=is_text, justify="left" if is_text else "right")

    return FittedTable(
        [
            column("micro-batch", [f"{each.batch.batch_id:,}" for each, _ in rows]),
            column("event time", [f"{record.event_time:%Y-%m-%d %H:%M:%S}" for _, record in rows]),
            column("late by", [span(record.late_by) for _, record in rows]),
            column("watermark", [f"{each.batch.watermark:%Y-%m-%d %H:%M:%S}" for each, _ in rows], 2),
            column("partition", [str(record.partition) for _, record in rows], 1),
            column("offset", [f"{record.offset:,}" for _, record in rows], 1),
            column(
                question.label(question.id),
                [terminal.printable(str(record.fields[question.id])) for _, record in rows],
                is_text=True,
            ),
        ]
    )
