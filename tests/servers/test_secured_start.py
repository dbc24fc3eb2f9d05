"""`scripts/kafka-start.sh --secured`: who logs in by which way, who does not, and nothing of a password in ps."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from sf_police.topic.client_properties import SERVERS, python_client_options, read_properties
from tests.support.brokers import run_script
from tests.support.secured import PASSWORD, USER, Right, SecuredBrokers, secured_brokers

KNOWN = ("scram-sha-256", "scram-sha-512", "plain", "mtls")


@pytest.fixture(scope="module")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBrokers]:
    with secured_brokers(tmp_path_factory.mktemp("a é & ü folder")) as brokers:
        yield brokers


def topics(login: Path) -> list[str]:
    properties = read_properties(login)
    client = KafkaAdminClient(bootstrap_servers=properties[SERVERS], **python_client_options(properties))
    with closing(client) as admin:
        return [name for name in admin.list_topics() if not name.startswith("__")]


@pytest.mark.parametrize("mechanism", KNOWN)
def test_a_user_is_the_same_by_every_way_and_sees_what_the_rights_allow(
    brokers: SecuredBrokers, mechanism: str
) -> None:
    with brokers.admin() as admin:
        admin.create_topics({mechanism: {"num_partitions": 1}})
    login = brokers.login(mechanism)

    brokers.set_rights([])
    assert topics(login) == []
    brokers.set_rights([Right("DESCRIBE", "TOPIC", mechanism)])
    assert topics(login) == [mechanism]


def test_passwords_are_in_files_of_the_users_own_and_in_no_command_line(brokers: SecuredBrokers) -> None:
    again = run_script("kafka-start.sh", brokers.env, "--secured")
    shown = subprocess.run(["ps", "-axww", "-o", "args="], capture_output=True, text=True, check=True).stdout
    files = [*brokers.folder.iterdir(), brokers.state / "kafka" / "broker-0" / "server.properties"]

    assert (again.returncode, "already running" in again.stderr) == (0, True)
    assert PASSWORD not in shown + again.stderr + again.stdout
    assert [file.name for file in files if file.name.startswith(f"{USER}-") and file.stat().st_mode & 0o077] == []
    assert stat.S_IMODE(files[-1].stat().st_mode) == 0o600
    assert stat.S_IMODE(brokers.folder.stat().st_mode) == 0o700


def test_an_option_or_a_user_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    brokers = SecuredBrokers(tmp_path, users={USER: 'a"b'})

    wrong = run_script("kafka-start.sh", brokers.env, "--secure")
    started = run_script("kafka-start.sh", brokers.env, "--secured")

    assert (wrong.returncode, "expected nothing, or --secured" in wrong.stderr) == (2, True)
    assert (started.returncode, "a line is NAME=PASSWORD" in started.stderr) == (1, True)
    assert 'a"b' not in started.stderr


def test_clean_deletes_what_was_made_and_says_what_was_not(tmp_path: Path) -> None:
    with secured_brokers(tmp_path) as brokers:
        pass

    cleaned = run_script("kafka-clean.sh", brokers.env)

    assert cleaned.returncode == 0
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()] == [
        Path("kafka/secured/server.properties")
    ]
    assert "server.properties" in cleaned.stderr
