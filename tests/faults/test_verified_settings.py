"""`verify` on streams that were made with other settings: a city's file, state in RocksDB, batches no longer kept."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from sf_police.calls.generate import generate_calls
from tests.integration.test_verify import LINES, SMALL, compared
from tests.support.job import Job, books


def sent(job: Job, number: int, *arguments: str) -> None:
    """A file with the columns of San Francisco's historic data set, in which some calls have no disposition."""
    names = {"original_crime_type_name": "original_crimetype_name", "call_date_time": "call_dttm"}
    rows = [{names.get(name, name): value for name, value in call.items()} for call in generate_calls(number)]
    for row in rows[::7]:
        row["disposition"] = None
    job.state.mkdir(exist_ok=True)
    (job.state / "calls.json").write_text(json.dumps(rows))
    job.run("produce", *arguments)


def test_a_citys_file_and_state_in_rocksdb(make_job: Callable[..., Job]) -> None:
    job = make_job(partitions=2)
    sent(job, 1_200)
    told = books(job.run("stream", "--until-end", STATE_STORE="rocksdb", **SMALL).stderr)
    assert told["counted"] + told["duplicates"] == 1_200

    assert compared(job, code=0) == dict.fromkeys(LINES, "equal")
    first = json.loads((job.state / "calls.json").read_text())[0]["crime_id"]
    [journey] = json.loads(job.run("trace", first, "--format", "json").stdout)["records"]
    assert (journey["file"]["number"], journey["file"]["has_the_topics_bytes"]) == (0, True)


@pytest.mark.parametrize(("order", "recounted"), [("event", "equal"), ("file", "unknown")])
def test_batches_that_are_no_longer_kept(make_job: Callable[..., Job], order: str, recounted: str) -> None:
    job = make_job(partitions=2)
    sent(job, 1_200, "--order", order)
    # More micro-batches than the hundred that always stay; with the file's order some of the others had late records.
    done = job.run("stream", "--until-end", **{**SMALL, "MAX_OFFSETS_PER_TRIGGER": "10", "RETENTION": "0 seconds"})
    assert "no longer kept one by one (RETENTION)" in done.stderr
    assert (books(done.stderr)["late"] > 0) == (order == "file")

    found = compared(job, "--order", order, code=0)

    assert found.pop("file and topic") == "equal"
    assert found["topic and store" if order == "file" else "topic and counts"] == recounted
