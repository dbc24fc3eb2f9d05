"""Three secured brokers: one file of properties for both clients."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.integration.test_main_job import assert_equals_recount
from tests.support.job import books
from tests.support.records import calls_file
from tests.support.secured import SecuredBrokers, all_rights, jks, pkcs12, secured_job, truststore

WORD: Final = "key-w0rd"


def with_java_stores(cluster: SecuredBrokers, make: Callable[[Path, str], Path], kind: str) -> Path:
    """mTLS with keystore and truststore of a kind that Java's keytool writes."""
    return cluster.login(
        "mtls",
        ssl_keystore_type=kind, ssl_keystore_location=str(make(cluster.folder / "calls.pem", WORD)),
        ssl_keystore_password=WORD, ssl_key_password=WORD, ssl_truststore_type=kind,
        ssl_truststore_location=str(truststore(cluster.folder / "ca.pem", WORD, kind)), ssl_truststore_password=WORD,
    )  # fmt: skip


@pytest.mark.parametrize("way", ["oauthbearer", "mtls, PKCS12"])
def test_the_whole_path_is_exact(cluster: SecuredBrokers, tmp_path: Path, way: str) -> None:
    topic = f"path-{way[:4]}"
    login = cluster.login(way) if "PKCS12" not in way else with_java_stores(cluster, pkcs12, "PKCS12")
    job = secured_job(cluster, login, topic, tmp_path)
    all_rights(cluster, topic)
    file, sent = calls_file(tmp_path, 500)

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
