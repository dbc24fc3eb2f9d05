"""Records that a stream's tests send."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sf_police.calls.generate import generate_calls
from tests.support.job import Job
from tests.support.question import event_records


def some_records(job: Job, count: int = 600) -> None:
    """Calls in order with a repeat and a bad record now and then, dealt over three partitions."""
    values = [record.value for record in event_records(generate_calls(calls=count))]
    for position in range(50, count, 97):
        values[position] = values[position - 20]
        values[position + 1] = values[position + 1][: position % 60]
    for partition in range(3):
        job.send(*values[partition::3], partition=partition)


def calls_file(folder: Path, number: int) -> tuple[Path, list[dict[str, Any]]]:
    """A file of calls, and what is in it."""
    file = folder / "calls.json"
    wanted = list(generate_calls(number, 7))
    file.write_text(json.dumps(wanted))
    return file, wanted
