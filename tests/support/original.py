"""What README says of the original file, and how it is computed from the file, where that is on this machine."""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from sf_police.topic.key_hash import key_partition
from tests.support.environment import ROOT
from tests.support.late_rule import ruled_batches
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
     lambda record: key_partition(record.key, 8), 800),
)  # fmt: skip


def late_share(calls: list[dict[str, Any]], in_order: Callable[..., Any], partition_of: Any, offsets: int) -> float:
    """How many percent of the calls are late, if a micro-batch reads so many offsets, at its watermark one before."""
    times: dict[int, list[datetime]] = defaultdict(list)
    for record in in_order(calls):
        times[partition_of(record)].append(datetime.fromisoformat(json.loads(record.value)["call_date_time"]))
    return 100 * sum(batch.late for batch in ruled_batches(times, offsets)) / len(calls)
