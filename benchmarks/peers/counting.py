"""What the peers share: the groups to count by (window start, crime type, disposition), and the file of counts."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

Group = tuple[str, str, str]


def group_of(call: dict[str, Any]) -> Group:
    """Return the group that a call belongs to."""
    time = call["call_date_time"]
    start = f"{time[:10]} {time[11:14]}{'30' if time[14:16] >= '30' else '00'}:00"
    return start, call["original_crime_type_name"].strip(), call["disposition"].strip()


def write(counts: Counter[Group], path: str) -> None:
    """Write the counts, one JSON array per line; the file appears only once it is complete."""
    part = Path(f"{path}.part")
    with part.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps([*group, calls]) + "\n" for group, calls in counts.items())
    os.replace(part, path)
    say_counted()


def say_counted() -> None:
    """Tell the race that the engine has written its counts."""
    print("counted", file=sys.stderr, flush=True)


def arguments() -> tuple[str, str, int, str]:
    """Return the brokers, the topic, its number of records, and the path of the file of counts."""
    servers, topic, total, path = sys.argv[1:5]
    return servers, topic, int(total), path
