"""What holds of a job whatever happened to it: the topic is the file, the store is what the topic says."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.support import oracle
from tests.support.job import Job
from tests.support.question import event_records


def assert_exact(job: Job) -> dict[str, int]:
    """Invariants I1 to I4."""
    return dict(oracle.assert_exact(job.state / "answers.db", job.kafka, job.topic))


def in_order(job: Job, path: Path) -> None:
    """The topic holds the file exactly once: partition p the positions p, p+N, … in order."""
    wanted = [(record.key, record.value) for record in event_records(json.loads(path.read_text()))]
    records = oracle.read_topic(job.kafka, job.topic)
    for partition, there in records.items():
        assert [(record.key, record.value) for record in there] == wanted[partition :: len(records)]


def assert_again_changes_nothing(job: Job) -> None:
    """Invariant I5."""
    before = answered(job)
    job.run("stream", "--until-end")
    assert answered(job) == before


def answered(job: Job) -> list[str]:
    """All but the micro-batches, and what the stream knows of itself."""
    return [line for line in dump(job) if "batches" not in line and "streams" not in line]


def dump(job: Job) -> list[str]:
    with closing(sqlite3.connect(job.state / "answers.db")) as connection:
        return list(connection.iterdump())


def counted(job: Job) -> dict[tuple[str, str, str], int]:
    """The counts in the store, by window, crime type and resolution."""
    with closing(sqlite3.connect(job.state / "answers.db")) as connection:
        rows = connection.execute("SELECT window_start, crime_type, resolution, calls FROM counts").fetchall()
    counts = {(start, crime_type, resolution): calls for start, crime_type, resolution, calls in rows}
    assert len(counts) == len(rows)
    return counts
