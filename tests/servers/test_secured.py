"""A secured broker: who logs in by which way, what the rights allow (docs/kafka-acls.md), where passwords are."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from sf_police.topic.client_properties import SERVERS, python_client_options, read_properties
from sf_police.topic.clients import KafkaAccess
from sf_police.topic.probe import TopicProbe
from tests.integration.test_topics import kafka_bin
from tests.support.acls import PAGE, ROWS, rights_of
from tests.support.brokers import run_script
from tests.support.builders import a_call
from tests.support.job import Job
from tests.support.secured import (
    MECHANISMS,
    PASSWORD,
    USER,
    Right,
    SecuredBrokers,
    secured_brokers,
    secured_job,
)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBrokers]:
    with secured_brokers(tmp_path_factory.mktemp("a é & ü folder")) as broker:
        yield broker


@pytest.fixture(scope="module")
def half_sent(broker: SecuredBrokers, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A job whose topic has half of its file: by the administrator, as the user's rights are to be tried."""
    job = secured_job(broker, broker.login("scram-sha-512"), "half-sent", tmp_path_factory.mktemp("half"))
    calls = [a_call(crime_id=str(n)) for n in range(20)]
    (job.state / "calls.json").write_text(json.dumps(calls))
    (job.state / "half.json").write_text(json.dumps(calls[:10]))
    by_admin = Job(job.kafka, job.topic, job.state)
    by_admin.run("create-topic")
    by_admin.run("produce", str(job.state / "half.json"))
    return job


def topics(login: Path) -> list[str]:
    properties = read_properties(login)
    client = KafkaAdminClient(bootstrap_servers=properties[SERVERS], **python_client_options(properties))
    with closing(client) as admin:
        return [name for name in admin.list_topics() if not name.startswith("__")]


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_user_is_the_same_by_every_way_and_sees_what_the_rights_allow(broker: SecuredBrokers, mechanism: str) -> None:
    with broker.admin() as admin:
        admin.create_topics({mechanism: {"num_partitions": 1}})
    login = broker.login(mechanism)

    broker.set_rights([])
    assert topics(login) == []
    broker.set_rights([Right("DESCRIBE", "TOPIC", mechanism)])
    assert topics(login) == [mechanism]


def test_passwords_are_in_files_of_the_users_own_and_in_no_command_line(broker: SecuredBrokers) -> None:
    again = run_script("kafka-start.sh", broker.env, "--secured")
    shown = subprocess.run(["ps", "-axww", "-o", "args="], capture_output=True, text=True, check=True).stdout
    settings = broker.state / "kafka" / "broker-0" / "server.properties"

    assert (again.returncode, "already running" in again.stderr) == (0, True)
    assert PASSWORD not in shown + again.stderr + again.stdout
    assert PASSWORD in settings.read_text()
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600
    assert stat.S_IMODE(broker.folder.stat().st_mode) == 0o700
    assert [file for file in broker.folder.glob(f"{USER}*") if file.stat().st_mode & 0o077] == []


@pytest.mark.parametrize(
    ("command", "operation"),
    [(command, operation) for command, operation, _ in ROWS if command not in ("dashboard", "late", "verify")],
)
def test_without_one_of_its_rights_a_command_fails_and_names_it(
    broker: SecuredBrokers, half_sent: Job, tmp_path: Path, command: str, operation: str
) -> None:
    job = half_sent
    if command == "create-topic":
        job = secured_job(broker, broker.login("plain"), f"no-{operation}", tmp_path)
    arguments = {"produce": [str(job.state / "calls.json")], "stream": ["--until-end"], "trace": ["1"]}.get(command, [])
    broker.set_rights(rights_of(command, job.topic, without=operation))

    done = job.run(command, *arguments, check=False)

    named = re.search(rf"{USER} may not ([A-Z][a-z]+) topic {job.topic}", done.stdout + done.stderr)
    assert (done.returncode, bool(named)) == (1, True), done.stdout + done.stderr
    # Who may not read may not describe either, unless another right includes that.
    assert named is not None
    assert named[1] in (operation, "Describe")


def test_the_dashboard_asks_the_topic_with_the_right_to_describe_it(broker: SecuredBrokers, half_sent: Job) -> None:
    properties = read_properties(broker.login("plain"))
    probe = TopicProbe(KafkaAccess(properties[SERVERS], properties), half_sent.topic, limit_s=30)

    broker.set_rights(rights_of("dashboard", half_sent.topic))
    found = probe.ask().topic
    broker.set_rights([])

    assert found is not None
    assert found.records == 10
    assert probe.ask().topic is None


def test_the_commands_that_grant_rights_do(broker: SecuredBrokers) -> None:
    blocks = re.findall(r"^```\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    [granting] = [block for block in blocks if "$TOPIC" in block]
    variables = {"SERVERS": broker.servers, "TOPIC": "granted", "PATH": f"{kafka_bin()}:{os.environ['PATH']}"}

    subprocess.run(["bash", "-eu", "-c", granting], env={**broker.env, **variables}, check=True, capture_output=True)

    assert {user: broker.rights(user) for user in ("sender", "counter", "viewer")} == {
        "sender": rights_of("create-topic", "granted") | rights_of("produce", "granted"),
        "counter": rights_of("stream", "granted"),
        "viewer": rights_of("dashboard", "granted"),
    }
