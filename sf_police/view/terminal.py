"""What people see: turns data into lines, JSON and CSV. Pure: `answer`, `live` and `commands` print.

Text from the topic is untrusted: its control characters are shown as escapes, and markup in it has no effect.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sf_police.question import Question, number_of

if TYPE_CHECKING:  # a table of the answer needs neither Spark nor Kafka
    from sf_police.produce.producer import Sent
    from sf_police.store.tables import BatchReport, Books
    from sf_police.topic.admin import Topic

Row = Mapping[str, Any]

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def printable(value: object) -> str:
    """Return the value as one line of text, without characters that a terminal would act on."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in str(value))


def duration(seconds: float) -> str:
    """Return a duration as people say it: `40 s`, `22 min`, `3.6 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.1f} h"


def span(length: timedelta) -> str:
    """Return a length of time as `3 d 04:05:06`, without the days if there are none."""
    seconds = int(length.total_seconds())
    days, rest = divmod(seconds, 86_400)
    clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{days:,} d {clock}" if days else clock


def batch_line(report: BatchReport) -> str:
    """Describe a micro-batch in one line."""
    batch = report.batch
    rate = batch.read / batch.seconds if batch.seconds > 0 else 0
    lag = "?" if batch.lag is None else f"{batch.lag:,}"
    return (
        f"batch {batch.batch_id}: {batch.read:,} rows in {batch.seconds:.2f} s ({rate:,.0f} rows/s), "
        f"lag {lag}, late {batch.late:,}, duplicates {batch.duplicates:,}, "
        f"rejected {batch.rejected:,}, state rows {batch.state_rows or 0:,}"
    )


def batch_fields(report: BatchReport) -> dict[str, Any]:
    """Return a micro-batch as the fields of a message in JSON."""
    batch = report.batch
    return {
        "batch_id": batch.batch_id,
        "rows": batch.read,
        "counted": batch.counted,
        "duplicates": batch.duplicates,
        "late": batch.late,
        "rejected": batch.rejected,
        "seconds": batch.seconds,
        "watermark": batch.watermark,
        "lag": batch.lag,
        "state_rows": batch.state_rows,
    }


def hidden_line(topic: Topic) -> str:
    """Say how much of a topic cannot be read yet; blank if nothing."""
    if not topic.hidden:
        return ""
    return (
        f"{number_of(topic.hidden, 'offsets')} at the topic's end wait behind an open transaction of a producer: they "
        "are read once it ends"
    )


def sent_line(sent: Sent, seconds: float) -> str:
    """Describe what the producer did, in one line."""
    rate = sent.acknowledged / seconds if seconds > 0 else 0
    return f"sent {sent.sent:,}, acknowledged {sent.acknowledged:,}, {seconds:.1f} s, {rate:,.0f} records/s"


def books_line(books: Books, *, rows: str) -> str:
    """Return the books in one line, with a note if they do not balance."""
    line = (
        f"books: read {books.read:,} = counted {books.counted:,} + duplicates {books.duplicates:,} "
        f"+ late {books.late:,} + rejected {books.rejected:,}"
    )
    if books.gaps:
        line += f"; offsets without a record {books.gaps:,}"
    if books.expired_batches:
        line += f"; {expired_text(books)}"
    if not books.is_balanced:
        line += (
            f"; THEY DO NOT BALANCE: the tables hold {books.stored_counted:,} counted {rows} "
            f"and {books.stored_rejected:,} rejected records"
        )
    return line


def expired_text(books: Books) -> str:
    """Say what is counted, but no longer kept one by one."""
    parts = {"micro-batches": books.expired_batches, "rejected records": books.expired_rejected}
    shown = " and ".join(number_of(number, name) for name, number in parts.items() if number)
    return f"{shown} no longer kept one by one (RETENTION)"


def totals_text(totals: Row, question: Question) -> str:
    """Return the answer in words, without characters that a terminal would act on."""
    figures = {name: printable(value) if isinstance(value, str) else value for name, value in totals.items()}
    return question.headline(figures) if question.headline else _named_figures(figures, question)


def _named_figures(figures: Row, question: Question) -> str:
    spread = figures[f"{question.spread}_per_window"]
    named = number_of(spread["median"], question.label(question.spread))
    others = {
        question.label(name): "none" if value is None else value if isinstance(value, str) else f"{value:,}"
        for name, value in figures.items()
        if name not in ("window", f"{question.spread}_per_window")
    }
    return (
        f"A window of {figures['window']} has {named} (median; {spread['minimum']:,} to {spread['maximum']:,}).\n"
        f"{'; '.join(f'{name}: {value}' for name, value in others.items())}."
    )


def to_json(document: object, *, indent: int | None = 2) -> str:
    """Encode as JSON, with times as in the store; JSON itself escapes control characters."""
    return json.dumps(document, indent=indent, ensure_ascii=True, default=_plain)


def to_csv(rows: Iterable[Row], columns: Sequence[str] = ()) -> str:
    """Encode as CSV with a header; text that a spreadsheet would run as a formula is prefixed with a quote.

    Args:
        rows: each with the same columns.
        columns: the header if there is no row.
    """
    output = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(output, list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow({name: _csv_cell(value) for name, value in row.items()})
    if writer is None and columns:
        csv.writer(output, lineterminator="\n").writerow(columns)
    return output.getvalue()


def _csv_cell(value: object) -> object:
    if isinstance(value, str):
        value = printable(value)
        return f"'{value}" if value.startswith(_FORMULA) else value
    return _plain(value) if isinstance(value, datetime) else value


def _plain(value: object) -> str:
    return value.isoformat(" ", "seconds") if isinstance(value, datetime) else str(value)
