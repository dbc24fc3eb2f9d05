"""Records of a topic as text: in readable lines, or in one. Pure. Values are untrusted, and may be long."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sf_police.view.terminal import printable

if TYPE_CHECKING:
    from sf_police.topic.admin import Partition
    from sf_police.topic.record import TopicRecord

_MOST_CHARACTERS: Final = 2_000
_MOST_LINES: Final = 200


def record_text(record: TopicRecord, *, is_pretty: bool = False) -> str:
    """Return a record in two readable lines; or, if it is JSON and `is_pretty`, each field in a line of its own."""
    head = f"partition {record.partition} offset {record.offset} at {_instant(record.timestamp_ms)} {_key(record)}"
    lines = _json_lines(record.value) if is_pretty else []
    if len(lines) > _MOST_LINES:
        lines = [*lines[:_MOST_LINES], f"… ({len(lines):,} lines)"]
    return "\n  ".join([head, *(map(cut, lines) if lines else [value_text(record.value)])])


def record_line(record: TopicRecord, *, width: int | None = None) -> str:
    """Return a record in one line, cut to a terminal's width if there is one."""
    line = f"{record.partition}:{record.offset}  {_instant(record.timestamp_ms)}  {_key(record)}  "
    line += value_text(record.value)
    return line if width is None or len(line) <= width else f"{line[: width - 1]}…"


def gap_text(partition: Partition, record: TopicRecord | None) -> str:
    """Say which offsets at a partition's end hold no record; blank if the last one does."""
    after = partition.first_offset if record is None else record.offset + 1
    if after >= partition.next_offset:
        return ""
    last = partition.next_offset - 1
    offsets = f"offset {last:,} holds" if after == last else f"offsets {after:,} to {last:,} hold"
    why = "transaction markers, or records of open or aborted transactions"
    return f"partition {partition.number}: {offsets} no record ({why})"


def value_text(value: bytes | None, *, most: int = _MOST_CHARACTERS) -> str:
    """Return a value as text, without characters that a terminal would act on; a long one is cut, with its size."""
    if value is None:
        return "no value"
    # A character has at most four bytes, so what is cut off here would not be shown anyway.
    text = printable(value[: 4 * most + 4].decode("utf-8", "backslashreplace"))
    return text if len(text) <= most else f"{text[:most]}… ({len(value):,} bytes)"


def cut(text: str) -> str:
    """Return a text without characters that a terminal would act on; a long one is cut."""
    text = printable(text)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}… ({len(text):,} characters)"


def _json_lines(value: bytes | None) -> list[str]:
    try:
        return json.dumps(json.loads(value or b""), indent=2, ensure_ascii=False).split("\n")
    except (ValueError, RecursionError):
        return []


def _key(record: TopicRecord) -> str:
    return "no key" if record.key is None else f"key {value_text(record.key, most=200)}"


def _instant(milliseconds: int) -> str:
    try:
        return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return f"{milliseconds} ms since 1970"
