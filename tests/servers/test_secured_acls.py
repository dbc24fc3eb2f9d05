"""The whole path with exactly the rights that docs/kafka-acls.md lists; with one less: test_secured.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from tests.integration.test_main_job import assert_equals_recount
from tests.support.acls import ROWS, rights_of
from tests.support.builders import a_call
from tests.support.job import books
from tests.support.secured import SecuredBrokers, secured_job

CALLS: Final = [
    a_call(
        crime_id=str(n),
        call_date_time=f"2018-10-12T{14 + n // 60}:{n % 60:02}:00.000",
        original_crime_type_name=f"Type {n % 7}",
        disposition=("HAN", "CIT", "GOA")[n % 3],
    )
    for n in range(300)
]
LATE: Final = a_call(crime_id="late", call_date_time="2018-10-12T10:00:00.000")


def test_the_whole_path_is_exact_with_the_rights_of_each_command_and_no_others(
    cluster: SecuredBrokers, tmp_path: Path
) -> None:
    job = secured_job(cluster, cluster.login("scram-sha-512"), "whole-path", tmp_path)
    file = tmp_path / "calls.json"
    file.write_text(json.dumps([*CALLS, LATE]))
    tried = {"dashboard"}  # in test_secured.py

    def run(command: str, *arguments: str, **settings: str) -> str:
        tried.add(command)
        cluster.set_rights(rights_of(command, job.topic))
        done = job.run(command, *arguments, **settings)
        return done.stdout + done.stderr

    assert "created, 3 partitions" in run("create-topic")
    assert "already exists" in run("create-topic")
    assert "sent 301, acknowledged 301" in run("produce", "--order", "file", str(file))
    assert "already holds all 301 calls" in run("produce", "--order", "file", str(file))
    assert f"{job.topic}: 301 offsets" in run("inspect")
    assert f"ok     topic: {job.topic}: 301 offsets in 3 partitions" in run("doctor")
    in_books = books(run("stream", "--until-end", MAX_OFFSETS_PER_TRIGGER="150"))
    assert in_books == {"read": 301, "counted": 300, "duplicates": 0, "late": 1, "rejected": 0}
    assert "2018-10-12 10:00:00" in run("late")
    assert "late: its time is 06:17:00 before the watermark" in run("trace", "late", DATA=str(file))
    compared = run("verify", "--order", "file", DATA=str(file))
    assert "no differences" in compared
    assert "unknown" not in compared
    cluster.set_rights([])
    assert_equals_recount(job, CALLS)
    assert tried == {command for command, _, _ in ROWS}
