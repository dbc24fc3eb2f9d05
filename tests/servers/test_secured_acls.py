"""The table of rights in docs/kafka-acls.md: each command succeeds with exactly its own, and with one less does not."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from sf_police.topic.client_properties import SERVERS, read_properties
from sf_police.topic.clients import KafkaAccess
from sf_police.topic.probe import TopicProbe
from tests.integration.test_main_job import assert_equals_recount
from tests.integration.test_topics import kafka_bin
from tests.support.builders import a_call
from tests.support.environment import ROOT
from tests.support.job import Job, books
from tests.support.secured import USER, Right, SecuredBrokers, secured_job

PAGE: Final = (ROOT / "docs" / "kafka-acls.md").read_text()
ROWS: Final = re.findall(r"^\| `([a-z-]+)` \| ([A-Z][a-z]+) \| (Topic) \|", PAGE, re.MULTILINE)
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


def rights_of(command: str, topic: str, *, without: str = "") -> list[Right]:
    """Those of the command's rows, but for one operation."""
    wanted = [(operation, kind) for name, operation, kind in ROWS if name == command and operation != without]
    return [Right(operation.upper(), kind.upper(), topic) for operation, kind in wanted]


def a_job(cluster: SecuredBrokers, topic: str, folder: Path) -> Job:
    (folder / "calls.json").write_text(json.dumps([*CALLS, LATE]))
    return secured_job(cluster, cluster.login("scram-sha-512"), topic, folder)


@pytest.fixture(scope="module")
def half_sent(cluster: SecuredBrokers, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A job whose topic has the first of the calls: by the administrator, as the user's rights are to be tried."""
    job = a_job(cluster, "half-sent", tmp_path_factory.mktemp("half"))
    first = job.state / "first.json"
    first.write_text(json.dumps(CALLS[:100]))
    by_admin = Job(job.kafka, job.topic, job.state)
    by_admin.run("create-topic")
    by_admin.run("produce", str(first))
    return job


def test_the_whole_path_is_exact_with_the_rights_of_each_command_and_no_others(
    cluster: SecuredBrokers, tmp_path: Path
) -> None:
    job = a_job(cluster, "whole-path", tmp_path)

    def run(command: str, *arguments: str, **settings: str) -> str:
        cluster.set_rights(rights_of(command, job.topic))
        done = job.run(command, *arguments, **settings)
        return done.stdout + done.stderr

    produce = ("produce", "--order", "file", str(tmp_path / "calls.json"))
    assert "created, 3 partitions" in run("create-topic")
    assert "already exists" in run("create-topic")
    assert "sent 301, acknowledged 301" in run(*produce)
    assert "already holds all 301 calls" in run(*produce)
    assert f"{job.topic}: 301 offsets" in run("inspect")
    assert f"ok     topic: {job.topic}: 301 offsets in 3 partitions" in run("doctor")
    in_books = books(run("stream", "--until-end", MAX_OFFSETS_PER_TRIGGER="150"))
    assert in_books == {"read": 301, "counted": 300, "duplicates": 0, "late": 1, "rejected": 0}
    assert "2018-10-12 10:00:00" in run("late")
    cluster.set_rights([])
    assert_equals_recount(job, CALLS)


def test_the_dashboard_asks_the_topic_with_the_right_to_describe_it(cluster: SecuredBrokers, half_sent: Job) -> None:
    properties = read_properties(cluster.login("plain"))
    probe = TopicProbe(KafkaAccess(properties[SERVERS], properties), half_sent.topic, limit_s=30)

    cluster.set_rights(rights_of("dashboard", half_sent.topic))
    found = probe.ask().topic
    cluster.set_rights([])

    assert found is not None
    assert found.records == 100
    assert probe.ask().topic is None


@pytest.mark.parametrize(
    ("command", "operation"),
    [(command, operation) for command, operation, _ in ROWS if command not in ("dashboard", "late")],
)
def test_without_one_of_its_rights_a_command_fails_and_names_it(
    cluster: SecuredBrokers, half_sent: Job, tmp_path: Path, command: str, operation: str
) -> None:
    job = half_sent if command != "create-topic" else a_job(cluster, f"no-{operation}", tmp_path)
    arguments = {"produce": [str(job.state / "calls.json")], "stream": ["--until-end"]}.get(command, [])
    cluster.set_rights(rights_of(command, job.topic, without=operation))

    done = job.run(command, *arguments, check=False)

    said = next(line for line in (done.stdout + done.stderr).splitlines() if "may not" in line)
    named = re.search(rf"{USER} may not ([A-Z][a-z]+) topic {job.topic}", said)
    assert done.returncode == 1
    assert named is not None
    # Who may not read may not describe either, unless another right includes that.
    assert named[1] in (operation, "Describe")


def test_the_commands_that_grant_rights_do(cluster: SecuredBrokers, half_sent: Job) -> None:
    [granting] = [
        block for block in re.findall(r"^```\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL) if "$TOPIC" in block
    ]
    variables = {"SERVERS": cluster.servers, "TOPIC": "granted", "PATH": f"{kafka_bin()}:{os.environ['PATH']}"}

    subprocess.run(["bash", "-eu", "-c", granting], env={**cluster.env, **variables}, check=True, capture_output=True)

    granted = {user: cluster.rights(user) for user in ("sender", "counter", "viewer")}
    both = {*rights_of("create-topic", "granted"), *rights_of("produce", "granted")}
    assert granted == {
        "sender": both,
        "counter": set(rights_of("stream", "granted")),
        "viewer": set(rights_of("dashboard", "granted")),
    }
