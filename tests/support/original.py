"""What README says of the original file, and how it is computed from the file, where that is on this machine."""

from __future__ import annotations

import json
import math
import os
import re
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from kafka.partitioner.default import murmur2

from tests.support.environment import ROOT
from tests.support.oracle import WATERMARK
from tests.support.question import event_records, file_records

FILE = os.environ.get("SF_POLICE_REAL_FILE")
needs_file = pytest.mark.skipif(
    not FILE, reason="SF_POLICE_REAL_FILE is not set: the original file is not on this machine"
)
BOOKS = {"read": 199_999, "counted": 199_995, "duplicates": 4, "late": 0, "rejected": 0}
# Compared with what the command prints in tests/integration/test_main_job.py.
[ANSWER] = re.findall(r"prints of it:\n\n```\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
PHRASES = (
    f"the original file of {BOOKS['read']:,} calls",
    f"> **{ANSWER.splitlines()[0]}**",
    "read {read:,} = counted {counted:,} + duplicates {duplicates} + late {late} + rejected {rejected}".format(**BOOKS),
    f"**{BOOKS['duplicates']} calls are duplicates**",
)
# How many percent of its calls are late: in README's words; in which order, partitions and micro-batches.
LATE = (
    ("with micro-batches of 100 calls, {} % are dropped as late", 99.9, file_records, lambda record: 0, 100),
    ("800 offsets per trigger and 8 partitions\n  by key hash lose {} % of the calls as late", 27, event_records,
     lambda record: (murmur2(record.key) & 0x7FFFFFFF) % 8, 800),
)  # fmt: skip


def late_share(calls: list[dict[str, Any]], in_order: Callable[..., Any], partition_of: Any, offsets: int) -> float:
    """How many percent of the calls are late, if a micro-batch reads so many offsets, at its watermark one before."""
    times: dict[int, list[datetime]] = defaultdict(list)
    for record in in_order(calls):
        times[partition_of(record)].append(datetime.fromisoformat(json.loads(record.value)["call_date_time"]))
    late, at = 0, dict.fromkeys(times, 0)
    before = watermark = latest = datetime.min
    while left := sum(len(times[n]) - at[n] for n in times):
        for n, start in at.items():
            # As Spark divides them: in proportion to what is left in each partition.
            share = min(1.0, offsets / left) * (len(times[n]) - start)
            at[n] = min(len(times[n]), start + (int(share) if share >= 1 else math.ceil(share)))
            late += sum(time <= before for time in times[n][start : at[n]])
            latest = max([latest, *times[n][start : at[n]]])
        before, watermark = watermark, max(watermark, latest - WATERMARK)
    return 100 * late / len(calls)
