"""A record's journey as words: one line for each stage, as text or JSON. Values are untrusted: shown without effect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from sf_police.how_to import in_reach
from sf_police.question import WINDOW_END, WINDOW_START, Question, number_of
from sf_police.trace.journey import Fate, Found, InFile, InStore, InTopic, Journey, Outcome
from sf_police.view import records, terminal
from sf_police.view.terminal import span

_MOST_CHARACTERS: Final = 300
_MOST_IN_JSON: Final = 2_000
_FAR: Final = {
    Outcome.NOT_SENT: "not in the topic: `produce` has not sent it",
    Outcome.NOT_READ: "in no micro-batch yet: no stream has read it so far",
    Outcome.BEFORE_START: "never read: the stream started after it (STARTING_OFFSETS)",
    Outcome.NO_LONGER_KEPT: "counted, rejected or dropped in a micro-batch that is no longer kept (RETENTION)",
    Outcome.NO_STORE: "there is no store yet: no stream has read it",
    Outcome.UNKNOWN: "read, but neither rejected nor one that can be counted: store and topic disagree; "
    "`sf-police verify` says where",
}


def print_trace(found: Found, question: Question, *, format: str) -> None:
    """Print the journeys of records, as `text` or `json`."""
    if format == "json":
        print(terminal.to_json(document(found, question)))
        return
    many = len(found.journeys)
    for number, journey in enumerate(found.journeys, 1):
        if many > 1:
            print(f"{'' if number == 1 else chr(10)}record {number:,} of {many:,}")
        for stage, text in stages(journey, question):
            print(f"{'  ' if many > 1 else ''}{stage:12} {text}")


def rows(found: Found, question: Question) -> list[dict[str, Any]]:
    """Return the same as rows: the number of the record, the stage, and what is known of it."""
    return [
        {"record": number, "stage": stage, "what": text}
        for number, journey in enumerate(found.journeys, 1)
        for stage, text in stages(journey, question)
    ]


def stages(journey: Journey, question: Question) -> Iterator[tuple[str, str]]:
    """Yield each stage and what is known of it, from the file to the store."""
    if journey.in_file:
        yield from _file(journey.in_file)
    elif journey.in_topic:
        yield "file", "no record of the file is this one" if journey.has_file else "none to look into: name it as DATA"
    if journey.in_topic:
        yield "topic", _topic(journey.in_topic)
    batch = journey.batch
    if batch and journey.in_topic:
        number = str(journey.in_topic.record.partition)
        start, end = batch.start_offsets.get(number, 0), batch.end_offsets[number] - 1
        before = "none yet" if batch.watermark is None else f"{batch.watermark:%Y-%m-%d %H:%M:%S}"
        yield (
            "micro-batch",
            f"{batch.batch_id:,}: offsets {start:,} to {end:,} of the partition; watermark before it {before}",
        )
    if journey.fields is not None:
        yield "parsed", "; ".join(f"{name} {_shown(value)}" for name, value in journey.fields.items())
    yield "outcome", _outcome(journey, question)
    if journey.in_store and journey.fate.outcome in (Outcome.COUNTED, Outcome.ONE_OF, Outcome.DUPLICATE):
        yield "store", _store(journey.in_store, question, journey.fate.outcome)


def _file(found: InFile) -> Iterator[tuple[str, str]]:
    record = found.record
    yield (
        "file",
        f"{terminal.printable(found.path)}: record {record.number + 1:,} of {found.records:,}, "
        f"bytes {record.start:,} to {record.end - 1:,} of it unpacked",
    )
    place = f"place {record.place + 1:,} of {found.records:,}"
    if found.is_same is None:
        yield "event order", place
    elif not found.is_same:
        yield "event order", f"{place}; THE TOPIC HAS OTHER BYTES in its place"
    else:
        sent = "sent to its place" if found.is_sent_from_there else "sent to another place than that"
        yield "event order", f"{place}; {sent}, with the same bytes"


def _topic(found: InTopic) -> str:
    record = found.record
    key = "no key" if record.key is None else f"key {records.value_text(record.key, most=200)}"
    size = "no value" if record.value is None else number_of(len(record.value), "bytes")
    return (
        f"{found.name}, partition {record.partition}, offset {record.offset:,}; Kafka timestamp "
        f"{_instant(record.timestamp_ms)}; {key}; {size}"
    )


def _instant(milliseconds: int) -> str:
    try:
        time = datetime.fromtimestamp(milliseconds // 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{milliseconds} ms since 1970"
    return f"{time:%Y-%m-%d %H:%M:%S}.{milliseconds % 1000:03} UTC"


def _shown(value: Any) -> str:
    text = terminal.printable(value)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"


def _outcome(journey: Journey, question: Question) -> str:
    fate = journey.fate
    if fate.outcome == Outcome.REJECTED:
        return f"rejected: {terminal.printable(fate.reason)}"
    if fate.outcome == Outcome.LATE and fate.late_by is not None:
        by = f"{span(fate.late_by)} before the watermark" if fate.late_by else "at the watermark, and not after it"
        return f"late: its time is {by}"
    if fate.outcome in _FAR:
        return in_reach(_FAR[fate.outcome])
    window = f" in the window {_window(journey.in_store)}" if journey.in_store else ""
    return _of_alike(fate, window, f"{question.label(question.id)} and time")


def _of_alike(fate: Fate, window: str, key: str) -> str:
    several = f"{number_of(fate.alike, 'records')} with this {key}, of which one was counted"
    if fate.outcome == Outcome.COUNTED:
        return f"counted{window}" + (f"; the first of {several}" if fate.alike > 1 else "")
    if fate.outcome == Outcome.ONE_OF:
        return (
            f"one of {several}{window}; more than one of them is in this micro-batch, and which it was is not recorded"
        )
    where = "" if fate.counted is None else f": that at partition {fate.counted[0]}, offset {fate.counted[1]:,}"
    return f"a duplicate: one of {several}{where}"


def _window(found: InStore) -> str:
    return f"{found.window_start:%Y-%m-%d %H:%M} to {found.window_end:%H:%M}"


def _store(found: InStore, question: Question, outcome: Outcome) -> str:
    every = f"{number_of(found.window_total, question.label(question.rows))} in the window"
    if found.groups is None:
        return every
    groups = ", ".join(_shown(value) for value in found.groups)
    if found.row is None:
        expected = outcome == Outcome.COUNTED
        wrong = in_reach("; THERE SHOULD BE ONE: see `sf-police verify`") if expected else ""
        return f"no row for {groups}; {every}{wrong}"
    counted = found.row[question.rows]
    sums = "".join(f", {question.label(each.name)} {found.row[each.name]}" for each in question.sums)
    others = number_of(counted - 1, "others")
    among = f", this one and {others}" if outcome == Outcome.COUNTED and counted > 1 else ""
    return f"{groups}: {number_of(counted, question.label(question.rows))}{among}{sums}; {every}"


def document(found: Found, question: Question) -> dict[str, Any]:
    """Return the journeys as JSON has them."""
    return {"looked_through": list(found.looked), "records": [_document(each, question) for each in found.journeys]}


def _document(journey: Journey, question: Question) -> dict[str, Any]:
    return {
        "file": _file_document(journey.in_file) if journey.in_file else None,
        "topic": _topic_document(journey.in_topic) if journey.in_topic else None,
        "micro_batch": _batch_document(journey) if journey.batch else None,
        "parsed": None if journey.fields is None else {**journey.fields, "event_time": journey.event_time},
        "outcome": _fate_document(journey.fate),
        "store": _store_document(journey.in_store, question) if journey.in_store else None,
    }


def _file_document(found: InFile) -> dict[str, Any]:
    place = asdict(found.record)
    del place["key"], place["value"]
    return {
        "path": found.path, "records": found.records, **place, "is_sent_to_its_place": found.is_sent_from_there,
        "has_the_topics_bytes": found.is_same,
    }  # fmt: skip


def _topic_document(found: InTopic) -> dict[str, Any]:
    record = found.record
    return {
        "name": found.name, "partition": record.partition, "offset": record.offset, "position": found.position,
        "timestamp_ms": record.timestamp_ms, "key": None if record.key is None else records.value_text(record.key),
        "value": records.value_text(record.value, most=_MOST_IN_JSON),
    }  # fmt: skip


def _batch_document(journey: Journey) -> dict[str, Any] | None:
    batch = journey.batch
    if batch is None:
        return None
    return {
        "batch_id": batch.batch_id, "start_offsets": batch.start_offsets, "end_offsets": batch.end_offsets,
        "watermark": batch.watermark,
    }  # fmt: skip


def _fate_document(fate: Fate) -> dict[str, Any]:
    late_by = None if fate.late_by is None else fate.late_by.total_seconds()
    counted = None if fate.counted is None else {"partition": fate.counted[0], "offset": fate.counted[1]}
    return {
        "is": str(fate.outcome), "reason": fate.reason or None, "late_by_seconds": late_by, "alike": fate.alike,
        "counted": counted,
    }  # fmt: skip


def _store_document(found: InStore, question: Question) -> dict[str, Any]:
    groups = None if found.groups is None else dict(zip((g.name for g in question.groups), found.groups, strict=True))
    row = None if found.row is None else {name: found.row[name] for name in question.added_columns}
    return {
        WINDOW_START: found.window_start, WINDOW_END: found.window_end, "groups": groups, "row": row,
        "window_total": found.window_total,
    }  # fmt: skip
