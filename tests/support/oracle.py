"""The oracle of a stream: what had to be counted, and what was a duplicate, late or rejected, in plain Python.

From the topic's own records and the micro-batches that were cut. Nothing of sf_police or Spark; SQL only to read.

Lateness, as Spark has it: a call at or before the watermark of the micro-batch before is late; it follows the
latest event time by ten minutes; a repeat is dropped while the first of its kind is in the state.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from tests.support import recount

WATERMARK = timedelta(minutes=10)
REQUIRED = ("crime_id", "original_crime_type_name", "call_date_time", "disposition")
LONGEST = {"original_crime_type_name": 1_000, "disposition": 500}  # bytes
SHAPE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}")
MOST_DIGITS = 1_000
BLANK = " \t\n\v\f\r"


@dataclass
class Expected:
    calls: list[dict[str, Any]] = field(default_factory=list)
    books: Counter[str] = field(default_factory=Counter)
    rejected: set[tuple[int, int, bytes | None]] = field(default_factory=set)


def read_topic(servers: str, topic: str) -> dict[int, list[Any]]:
    """Every record (kafka-python's ConsumerRecord), by partition, in the order of offsets."""
    consumer = KafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False)
    wanted = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic))]
    consumer.assign(wanted)
    end = consumer.end_offsets(wanted)
    consumer.seek_to_beginning(*wanted)
    records: dict[int, list[Any]] = {partition.partition: [] for partition in wanted}
    while any(consumer.position(partition) < end[partition] for partition in wanted):
        for partition, batch in consumer.poll(timeout_ms=1000).items():
            records[partition.partition] += batch
    consumer.close()
    return records


def judge(value: bytes | None, timestamp_ms: int) -> dict[str, Any] | None:
    """The call in a record, by Python's own JSON under the contract's rules; None when there is none."""
    try:
        pairs = json.loads(
            (value or b"").decode("utf-8").strip(" \t\n\r"),
            object_pairs_hook=Pairs, parse_constant=_refuse, parse_int=_number, parse_float=_number,
        )  # fmt: skip
        if not isinstance(pairs, Pairs):
            return None
        json.dumps(pairs, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        return None
    names = Counter(name for name, _ in pairs)
    call = dict(pairs)
    for name in REQUIRED:
        text = call.get(name)
        if names[name] != 1 or not isinstance(text, str) or not text.strip(BLANK) or "\0" in text:
            return None
    if any(len(call[name].strip(BLANK).encode()) > most for name, most in LONGEST.items()):
        return None
    if not SHAPE.fullmatch(call["call_date_time"]):
        return None
    try:
        time = datetime.fromisoformat(call["call_date_time"])
    except ValueError:
        return None
    return call if 1990 <= time.year < 3000 and not is_future(time, timestamp_ms) else None


def is_future(time: datetime, timestamp_ms: int) -> bool:
    """More than a day after the record's Kafka timestamp, where that is a time at all."""
    since_1970_ms = (time - datetime(1970, 1, 1)) / timedelta(milliseconds=1)
    first_time_ms = datetime(1990, 1, 1, tzinfo=UTC).timestamp() * 1000
    return timestamp_ms >= first_time_ms and since_1970_ms > timestamp_ms + 86_400_000


class Pairs(list[Any]):
    """An object's members, as often as they stand there."""


def _refuse(name: str) -> None:
    raise ValueError(name)


def _number(text: str) -> float:
    if sum(map(str.isdigit, text)) > MOST_DIGITS:
        raise ValueError(f"{len(text)} digits")
    return float(text)


def expected(records: dict[int, list[Any]], batches: list[tuple[dict[str, int], dict[str, int]]]) -> Expected:
    result = Expected()
    state: set[tuple[str, datetime]] = set()
    late_before = evict_before = latest = datetime.min
    for start, end in batches:
        in_batch = [record for n, to in end.items() for record in records[int(n)][start.get(n, 0) : to]]
        for time, call in accepted(in_batch, result):
            latest = max(latest, time)
            key = (call["crime_id"], time)
            fate = "late" if time <= late_before else "duplicates" if key in state else "counted"
            result.books[fate] += 1
            if fate == "counted":
                state.add(key)
                result.calls.append(call)
        state = {key for key in state if key[1] > evict_before}
        late_before = evict_before
        evict_before = max(evict_before, latest - WATERMARK) if latest > datetime.min else evict_before
    return result


def accepted(records: list[Any], result: Expected) -> list[tuple[datetime, dict[str, Any]]]:
    """The calls among the records, with their times; the others go into the result as rejected."""
    calls = []
    for record in records:
        call = judge(record.value, record.timestamp)
        result.books["read"] += 1
        if call is None:
            result.books["rejected"] += 1
            result.rejected.add((record.partition, record.offset, record.value))
        else:
            calls.append((datetime.fromisoformat(call["call_date_time"]), call))
    return calls


def assert_exact(store: Path, servers: str, topic: str) -> Counter[str]:
    """Invariants I1 to I4 of a store against the topic; gives the books."""
    with closing(sqlite3.connect(store)) as connection, connection:
        rows = connection.execute(
            "SELECT batch_id, start_offsets, end_offsets FROM batches ORDER BY batch_id"
        ).fetchall()
        counts = connection.execute("SELECT window_start, crime_type, resolution, calls FROM counts").fetchall()
        sums = connection.execute(
            "SELECT SUM(read), SUM(counted), SUM(duplicates), SUM(late), SUM(rejected) FROM batches"
        ).fetchone()
        rejected = connection.execute('SELECT topic, "partition", "offset", reason, value FROM rejected').fetchall()
        windows = connection.execute("SELECT * FROM window_answers ORDER BY window_start").fetchall()
        types = connection.execute("SELECT * FROM crime_type_answers").fetchall()
    batches = [(json.loads(start), json.loads(end)) for _, start, end in rows]
    assert [row[0] for row in rows] == list(range(len(rows)))
    for (_, end), (start, _) in pairwise(batches):
        assert start == end
    records = read_topic(servers, topic)
    assert batches[-1][1] == {str(partition): len(there) for partition, there in records.items()}
    want = expected(records, batches)
    counted = recount.counts_of(want.calls)
    assert {(start, name, resolution): calls for start, name, resolution, calls in counts} == counted
    assert len(counts) == len(counted)
    books = Counter(dict(zip(("read", "counted", "duplicates", "late", "rejected"), sums, strict=True)))
    assert books == want.books
    assert books["read"] == sum(books[name] for name in ("counted", "duplicates", "late", "rejected"))
    assert {(partition, offset, value) for _, partition, offset, _, value in rejected} == want.rejected
    assert len(rejected) == len(want.rejected)
    assert all(name == topic and reason for name, _, _, reason, _ in rejected)
    assert windows == recount.window_answers(counted)
    assert sorted(types) == recount.crime_type_answers(counted)
    return books
