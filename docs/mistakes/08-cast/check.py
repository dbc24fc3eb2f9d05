"""Parses 20,000 records of which every 50th is broken, in one of six ways."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

from docs.mistakes.bench import CALLS, Bench, values
from docs.mistakes.lesson import Result

EVERY = 50
HINT = "find out what the cast makes of '14:20' and of '2018-12', and what from_json makes of two objects in a record"
TIME = re.compile(rb'(?<="call_date_time":")[^"]*')


def broken(value: bytes, kind: int) -> bytes:
    """Return the record cut off, with a part of a time or a day that does not exist, twice, or without a code."""
    without_code = {name: text for name, text in json.loads(value).items() if name != "disposition"}
    return [
        value[: len(value) // 2],
        TIME.sub(b"14:20", value),
        TIME.sub(b"2018-12", value),
        TIME.sub(b"2018-11-31T14:20:00.000", value),
        value + value,
        json.dumps(without_code).encode(),
    ][kind]


def check(file: SimpleNamespace, bench: Bench) -> Result:
    """See which broken records are taken for calls, and whether every sound one is."""
    records = values()
    for place, offset in enumerate(range(0, CALLS, EVERY)):
        records[offset] = broken(records[offset], place % 6)
    rows = file.parse(bench.frame(records)).cache()
    wrong = rows.filter(f"offset % {EVERY} = 0 AND reason IS NULL")
    sound = rows.filter(f"offset % {EVERY} <> 0 AND reason IS NULL AND event_time IS NOT NULL").count()
    counted, vanished = (wrong.filter(f"event_time IS {what}").count() for what in ("NOT NULL", "NULL"))
    if sound < CALLS - CALLS // EVERY:
        return Result(False, f"took {CALLS - CALLS // EVERY - sound:,} sound records for broken ones")
    said = f"of {CALLS // EVERY} broken records counted {counted}, and lost {vanished} without a trace"
    return Result(not counted + vanished, said)
