"""What people see: tables and lines, from data to rich's renderables and to text. Pure; who prints is `cli.py`.

Text from the topic is anyone's: it is shown with its control characters made visible, never as markup.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:  # a table of the answer needs neither Spark nor Kafka
    from sf_police.produce.producer import Sent
    from sf_police.store.tables import Books
    from sf_police.stream.sink import BatchReport
    from sf_police.topic.admin import Topic
    from sf_police.topic.record import TopicRecord

Row = Mapping[str, Any]

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def printable(value: object) -> str:
    """One line of text without a character that a terminal would act on."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in str(value))


def batch_line(report: BatchReport) -> str:
    """A micro-batch in one line."""
    batch = report.batch
    rate = batch.read / batch.seconds if batch.seconds > 0 else 0
    behind = "?" if report.behind is None else f"{report.behind:,}"
    return (
        f"batch {batch.batch_id}: {batch.read:,} rows in {batch.seconds:.2f} s ({rate:,.0f} rows/s), "
        f"behind {behind}, late {batch.late:,}, duplicates {batch.duplicates:,}, "
        f"rejected {batch.rejected:,}, state rows {report.state_rows:,}"
    )


def sent_line(sent: Sent, seconds: float) -> str:
    """What the producer did."""
    rate = sent.acknowledged / seconds if seconds > 0 else 0
    return f"sent {sent.sent:,}, acknowledged {sent.acknowledged:,}, {seconds:.1f} s, {rate:,.0f} events/s"


def books_line(books: Books) -> str:
    """The books of the store in one line; says so when they do not balance."""
    line = (
        f"books: read {books.read:,} = counted {books.counted:,} + duplicates {books.duplicates:,} "
        f"+ late {books.late:,} + rejected {books.rejected:,}"
    )
    if books.gaps:
        line += f"; offsets without a record {books.gaps:,}"
    if not books.is_balanced:
        line += (
            f"; THEY DO NOT BALANCE: the tables hold {books.stored_calls:,} counted calls "
            f"and {books.stored_rejected:,} rejected records"
        )
    return line


def totals(windows: Sequence[Row], overall: Row) -> dict[str, Any]:
    """Totals over all windows: how many, their calls, and the spread of crime types in a window."""
    types = [row["crime_types"] for row in windows]
    return {
        "windows": overall["windows"],
        "calls": overall["calls"],
        "crime_types": overall["crime_types"],
        "crime_types_per_window": {"minimum": min(types), "median": median(types), "maximum": max(types)},
        "usual_resolution": overall["usual_resolution"],
        "usual_resolution_calls": overall["usual_resolution_calls"],
    }


def totals_text(figures: Mapping[str, Any]) -> str:
    """The answer in three lines."""
    spread = figures["crime_types_per_window"]
    usual = figures["usual_resolution"]
    return (
        f"{figures['calls']:,} calls of {figures['crime_types']:,} crime types in {figures['windows']:,} windows.\n"
        f"Crime types in a window: minimum {spread['minimum']:,}, median {spread['median']:,g}, "
        f"maximum {spread['maximum']:,}.\n"
        + (
            f"Usual resolution overall: {printable(usual)} ({figures['usual_resolution_calls']:,} calls)."
            if usual is not None
            else "No call has a recorded resolution."
        )
    )


def windows_table(windows: Iterable[Row]) -> Table:
    """Answer per window."""
    table = _table("window", "calls", "crime types", "usual resolution", "its calls")
    for row in windows:
        span = f"{row['window_start']:%Y-%m-%d %H:%M} - {row['window_end']:%H:%M}"
        table.add_row(span, *_numbers(row, "calls", "crime_types"), *_usual(row))
    return table


def crime_types_table(crime_types: Iterable[Row]) -> Table:
    """Answer per crime type."""
    table = _table("crime type", "calls", "windows", "usual resolution", "its calls")
    for row in crime_types:
        table.add_row(Text(printable(row["crime_type"])), *_numbers(row, "calls", "windows"), *_usual(row))
    return table


def counts_table(counts: Iterable[Row]) -> Table:
    """Calls per crime type and resolution, of one window."""
    table = _table("crime type", "resolution", "calls")
    for row in counts:
        table.add_row(Text(printable(row["crime_type"])), Text(printable(row["resolution"])), f"{row['calls']:,}")
    table.columns[1].justify = "left"
    return table


def topic_table(topic: Topic) -> Table:
    """Partitions of a topic."""
    table = _table("partition", "leader", "replicas", "first offset", "next offset", "records")
    for partition in topic.partitions:
        leader = "none" if partition.leader is None else str(partition.leader)
        numbers = (partition.replicas, partition.first_offset, partition.next_offset, partition.records)
        table.add_row(str(partition.number), leader, *(f"{number:,}" for number in numbers))
    return table


def record_text(record: TopicRecord) -> str:
    """Write out a record of the topic, readable, in two lines."""
    head = f"partition {record.partition} offset {record.offset} at {_instant(record.timestamp_ms)}"
    key = "no key" if record.key is None else f"key {record.key.decode('utf-8', 'backslashreplace')}"
    value = "no value" if record.value is None else record.value.decode("utf-8", "backslashreplace")
    return f"{printable(head)} {printable(key)}\n  {printable(value)}"


def _instant(milliseconds: int) -> str:
    try:
        return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return f"{milliseconds} ms since 1970"


def live_view(windows: Sequence[Row], report: BatchReport | None) -> RenderableType:
    """The stream as it runs: newest windows, and the batch."""
    line = Text(batch_line(report) if report else "waiting for the first batch")
    return Group(windows_table(windows), line) if windows else line


def to_json(document: object) -> str:
    """JSON, times as in the store; control characters escaped by JSON itself."""
    return json.dumps(document, indent=2, ensure_ascii=True, default=_plain)


def to_csv(rows: Iterable[Row]) -> str:
    """CSV with a header. A text that a spreadsheet would run as a formula gets a quote in front."""
    output = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(output, list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow({name: _csv_cell(value) for name, value in row.items()})
    return output.getvalue()


def _csv_cell(value: object) -> object:
    if isinstance(value, str):
        value = printable(value)
        return f"'{value}" if value.startswith(_FORMULA) else value
    return _plain(value) if isinstance(value, datetime) else value


def _plain(value: object) -> str:
    return value.isoformat(" ", "seconds") if isinstance(value, datetime) else str(value)


def _table(*columns: str) -> Table:
    table = Table(header_style="bold")
    for index, column in enumerate(columns):
        is_text = index == 0 or column == "usual resolution"
        table.add_column(column, justify="left" if is_text else "right", overflow="ellipsis", no_wrap=True)
    return table


def _numbers(row: Row, *names: str) -> list[str]:
    return [f"{row[name]:,}" for name in names]


def _usual(row: Row) -> tuple[Text, str]:
    usual, calls = row["usual_resolution"], row["usual_resolution_calls"]
    return Text("none recorded" if usual is None else printable(usual)), "" if calls is None else f"{calls:,}"
