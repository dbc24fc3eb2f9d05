"""`scripts/kafka-start.sh --secured`: what is refused, and what kafka-clean.sh deletes of it."""

from __future__ import annotations

from pathlib import Path

from tests.support.brokers import run_script
from tests.support.secured import USER, SecuredBrokers, secured_brokers


def test_an_option_or_a_user_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    brokers = SecuredBrokers(tmp_path, users={USER: 'a"b'})

    wrong = run_script("kafka-start.sh", brokers.env, "--secure")
    started = run_script("kafka-start.sh", brokers.env, "--secured")
    stopped = run_script("kafka-stop.sh", brokers.env, "first")

    assert (wrong.returncode, "expected nothing, or --secured" in wrong.stderr) == (2, True)
    assert (started.returncode, "a line is NAME=PASSWORD" in started.stderr) == (1, True)
    assert 'a"b' not in started.stderr
    assert (stopped.returncode, "a broker's number from 0 to 8" in stopped.stderr) == (2, True)


def test_clean_deletes_what_was_made_and_says_what_was_not(tmp_path: Path) -> None:
    with secured_brokers(tmp_path) as brokers:
        pass

    cleaned = run_script("kafka-clean.sh", brokers.env)

    assert cleaned.returncode == 0
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()] == [
        Path("kafka/secured/server.properties")
    ]
    assert "server.properties" in cleaned.stderr


def test_brokers_without_logins_that_run_are_not_taken_for_secured_ones(tmp_path: Path) -> None:
    brokers = SecuredBrokers(tmp_path)
    plain = run_script("kafka-start.sh", brokers.env)
    try:
        secured = run_script("kafka-start.sh", brokers.env, "--secured")
    finally:
        run_script("kafka-stop.sh", brokers.env)

    assert plain.returncode == 0, plain.stderr
    assert (secured.returncode, "is running without logins: run `make kafka-stop` first" in secured.stderr) == (1, True)
