"""Three secured brokers: one file of properties for both clients, and a rolling restart that nobody notices."""

from __future__ import annotations

import json
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from sf_police.calls.generate import generate_calls
from tests.integration.test_main_job import assert_equals_recount
from tests.support.invariants import assert_exact, in_order
from tests.support.job import Job, books
from tests.support.secured import Right, SecuredBrokers, jks, pkcs12, secured_job, truststore
from tests.support.waiting import eventually, wait_for_line

WORD: Final = "key-w0rd"


def calls(folder: Path, number: int) -> tuple[Path, list[dict[str, Any]]]:
    """A file of calls, and what is in it."""
    file = folder / "calls.json"
    wanted = list(generate_calls(number, 7))
    file.write_text(json.dumps(wanted))
    return file, wanted


def with_java_stores(cluster: SecuredBrokers, make: Callable[[Path, str], Path], kind: str) -> Path:
    """mTLS with keystore and truststore of a kind that Java's keytool writes."""
    return cluster.login(
        "mtls",
        ssl_keystore_type=kind, ssl_keystore_location=str(make(cluster.folder / "calls.pem", WORD)),
        ssl_keystore_password=WORD, ssl_key_password=WORD, ssl_truststore_type=kind,
        ssl_truststore_location=str(truststore(cluster.folder / "ca.pem", WORD, kind)), ssl_truststore_password=WORD,
    )  # fmt: skip


def all_rights(cluster: SecuredBrokers, topic: str) -> None:
    cluster.set_rights(Right(name, "TOPIC", topic) for name in ("CREATE", "DESCRIBE", "READ", "WRITE"))


@pytest.mark.parametrize("way", ["oauthbearer", "mtls, PKCS12"])
def test_the_whole_path_is_exact(cluster: SecuredBrokers, tmp_path: Path, way: str) -> None:
    topic = f"path-{way[:4]}"
    login = cluster.login(way) if "PKCS12" not in way else with_java_stores(cluster, pkcs12, "PKCS12")
    job = secured_job(cluster, login, topic, tmp_path)
    all_rights(cluster, topic)
    file, sent = calls(tmp_path, 500)

    job.run("create-topic")
    job.run("produce", str(file))
    in_books = books(job.run("stream", "--until-end").stderr)

    assert in_books["read"] == len(sent) == sum(in_books.values()) - in_books["read"]
    assert_equals_recount(job, sent)


def test_a_jks_store_opens_both_ways(cluster: SecuredBrokers, tmp_path: Path) -> None:
    login = with_java_stores(cluster, lambda pem, word: jks(pkcs12(pem, word), word), "JKS")
    job = secured_job(cluster, login, "path-jks", tmp_path)
    all_rights(cluster, job.topic)

    job.run("create-topic")

    assert "path-jks: 0 offsets" in job.run("inspect").stdout


@pytest.mark.timeout(600)  # three restarts, and perhaps the start of the brokers
def test_three_brokers_are_restarted_one_by_one_and_nothing_stops(cluster: SecuredBrokers, tmp_path: Path) -> None:
    job = secured_job(cluster, cluster.login("scram-sha-256"), "rolling", tmp_path)
    all_rights(cluster, job.topic)
    file, sent = calls(tmp_path, 20_000)
    job.run("create-topic")
    assert copies(cluster, job.topic) == {3}
    stream = job.start("stream", TRIGGER="1 second", KAFKA_CLIENT_PROPERTIES=str(cluster.login("plain")))
    producing = job.start("produce", "--rate", "50", str(file))  # for minutes: it is interrupted

    try:
        wait_for_line(stream, "batch 0")
        for broker in range(3):
            cluster.restart(broker)
            eventually(partial(goes_on, job, counted(job)), AssertionError)
        assert (stream.poll(), producing.poll()) == (None, None)
        producing.send_signal(signal.SIGINT)
        _, told = producing.communicate(timeout=60)
        assert producing.returncode == 130, told
        assert "of 20,000 calls; sending the other" in job.run("produce", str(file)).stderr
        eventually(lambda: goes_on(job, len(sent) - 1), AssertionError)
    finally:
        producing.kill()
        stream.terminate()
        _, said = stream.communicate(timeout=120)

    assert stream.returncode == 0, said
    in_order(job, file)
    assert assert_exact(job)["read"] == len(sent)
    assert_equals_recount(job, sent)


def copies(cluster: SecuredBrokers, topic: str) -> set[int]:
    with cluster.admin() as admin:
        [found] = admin.describe_topics([topic])
    return {len(partition["replica_nodes"]) for partition in found["partitions"]}


def counted(job: Job) -> int:
    """Records that the stream has read."""
    with closing(sqlite3.connect(job.state / "answers.db")) as connection:
        [[number]] = connection.execute('SELECT COALESCE(SUM("read"), 0) FROM batches')
    return int(number)


def goes_on(job: Job, seen: int) -> None:
    assert counted(job) > seen
