"""The whole path by the real commands, against an independent recount in plain Python."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support import original, recount
from tests.support.builders import a_value
from tests.support.job import Job, books


def csv_rows(text: str) -> list[tuple[Any, ...]]:
    """Rows as the recount has them: numbers as int, blank as None, times as text."""

    def value(name: str, text: str) -> Any:
        if name == "crime_type":
            return text.removeprefix("'") if text[1:2] in "=+-@" else text
        return None if text == "" else int(text) if text.isdigit() else text

    return [tuple(value(name, text) for name, text in row.items()) for row in csv.DictReader(io.StringIO(text))]


def stored_counts(job: Job) -> dict[tuple[str, str, str], int]:
    with closing(sqlite3.connect(job.state / "answers.db")) as connection, connection:
        rows = connection.execute("SELECT window_start, crime_type, resolution, calls FROM counts").fetchall()
    counts = {(start, crime_type, resolution): calls for start, crime_type, resolution, calls in rows}
    assert len(counts) == len(rows)
    return counts


def assert_equals_recount(job: Job, calls: list[dict[str, Any]]) -> None:
    expected = recount.counts(calls)

    assert stored_counts(job) == expected
    assert csv_rows(job.run("answer", "--format", "csv").stdout) == recount.window_answers(expected)
    by_type = csv_rows(job.run("answer", "--format", "csv", "--by", "crime-type").stdout)
    assert sorted(by_type) == recount.crime_type_answers(expected)


def run_whole_job(job: Job, path: Path, **stream_settings: str) -> dict[str, int]:
    produced = job.run("produce", str(path))
    assert "sent 199,999, acknowledged 199,999" in produced.stderr
    return books(job.run("stream", "--until-end", **stream_settings).stderr)


def test_the_generated_file_is_answered_exactly_and_again_changes_nothing(job: Job) -> None:
    job.run("generate")
    path = job.state / "calls.json"

    in_books = run_whole_job(job, path, MAX_OFFSETS_PER_TRIGGER="60000")

    assert in_books == original.BOOKS
    calls = recount.load(path)
    assert_equals_recount(job, calls)
    again = job.run("produce", str(path))
    assert again.stderr.splitlines()[-1] == "nothing to send: the topic already holds all 199,999 calls"
    assert books(job.run("stream", "--until-end").stderr) == in_books
    assert stored_counts(job) == recount.counts(calls)


@pytest.mark.real_file
@original.needs_file
def test_the_real_file_is_answered_exactly(job: Job) -> None:
    path = Path(str(original.FILE))

    in_books = run_whole_job(job, path)

    assert in_books == original.BOOKS
    assert_equals_recount(job, recount.load(path))
    assert job.run("answer", "--by", "crime-type", "--limit", "4").stdout == original.ANSWER
    totals = json.loads(job.run("answer", "--format", "json").stdout)["totals"]
    assert (totals["windows"], totals["crime_types"], totals["calls"]) == (4_350, 3_418, 199_995)


def test_rejected_records_are_stored_once_and_the_stream_goes_on(job: Job) -> None:
    bad = [b"\xff\x00", b"{", None, a_value(crime_id=...), a_value(call_date_time="9999-12-31T23:59:59.999")]
    job.send(a_value(crime_id="1"), *bad, a_value(crime_id="2"))

    first = books(job.run("stream", "--until-end").stderr)
    job.send(bad[0], a_value(crime_id="3"), partition=1)
    second = books(job.run("stream", "--until-end").stderr)

    assert first == {"read": 7, "counted": 2, "duplicates": 0, "late": 0, "rejected": 5}
    assert second == {"read": 9, "counted": 3, "duplicates": 0, "late": 0, "rejected": 6}
    with closing(sqlite3.connect(job.state / "answers.db")) as connection, connection:
        rows = connection.execute('SELECT topic, "partition", "offset", value FROM rejected ORDER BY 2, 3').fetchall()
    assert rows == [(job.topic, 0, n + 1, value) for n, value in enumerate(bad)] + [(job.topic, 1, 0, bad[0])]
    shown = json.loads(job.run("rejected", "--format", "json", "--reason", "utf-8").stdout)
    assert [(row["reason"], row["records"]) for row in shown["reasons"]] == [("not UTF-8", 2)]
    assert job.run("answer", "--rejected", "--format", "json").stdout == job.run("rejected", "--format", "json").stdout
    assert job.run("rejected", "--raw", "--reason", "exactly one").stdout == "{"


def test_restart_goes_on_from_the_checkpoint(job: Job) -> None:
    job.send(a_value(crime_id="1"), a_value(crime_id="2"))
    job.run("stream", "--until-end")
    job.send(a_value(crime_id="2"), a_value(crime_id="3"))

    done = job.run("stream", "--until-end")

    assert "resuming from the checkpoint" in done.stderr
    assert books(done.stderr) == {"read": 4, "counted": 3, "duplicates": 1, "late": 0, "rejected": 0}
    assert list(stored_counts(job).values()) == [3]


def test_restart_may_change_how_many_records_a_micro_batch_has(job: Job) -> None:
    """Small ones run in one task and without shuffles, on the state that larger ones have made; and back again."""
    caps = ({"STATE_PARTITIONS": "1"}, {"MAX_OFFSETS_PER_TRIGGER": "2"}, {})
    for turn, cap in enumerate(caps):
        for partition in range(3):
            job.send(*(a_value(crime_id=str(10 * turn + partition + n)) for n in range(11)), partition=partition)
        done = job.run("stream", "--until-end", **cap)

    # Each turn has 13 ids, of which three were in the one before.
    assert books(done.stderr) == {"read": 99, "counted": 33, "duplicates": 66, "late": 0, "rejected": 0}
    assert list(stored_counts(job).values()) == [33]
