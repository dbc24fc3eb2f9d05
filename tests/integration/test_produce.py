"""Produce again, interrupted, killed; and what a file that is none gets. The topic is compared record by record."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from sf_police.calls.generate import generate_calls
from tests.support.builders import a_call
from tests.support.environment import ROOT
from tests.support.job import Job, books
from tests.support.question import event_records

CALLS = 60_000


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "calls.json"
    path.write_text(json.dumps(list(generate_calls(calls=CALLS))))
    return path


def in_topic(job: Job, partitions: int = 3) -> list[list[tuple[bytes | None, bytes | None]]]:
    """Key and value of every record, by partition."""
    consumer = KafkaConsumer(bootstrap_servers=job.kafka, enable_auto_commit=False)
    wanted = [TopicPartition(job.topic, number) for number in range(partitions)]
    consumer.assign(wanted)
    end = consumer.end_offsets(wanted)
    consumer.seek_to_beginning(*wanted)
    records: list[list[tuple[bytes | None, bytes | None]]] = [[] for _ in wanted]
    while any(consumer.position(partition) < end[partition] for partition in wanted):
        for partition, batch in consumer.poll(timeout_ms=1000).items():
            records[partition.partition] += [(record.key, record.value) for record in batch]
    consumer.close()
    return records


def in_file(file: Path, partitions: int = 3) -> list[list[tuple[bytes | None, bytes | None]]]:
    records = [(record.key, record.value) for record in event_records(json.loads(file.read_text()))]
    return [records[number::partitions] for number in range(partitions)]


def wait_until_sent(job: Job, process: subprocess.Popen[str], count: int) -> None:
    consumer = KafkaConsumer(bootstrap_servers=job.kafka)
    partitions = [TopicPartition(job.topic, number) for number in range(3)]
    while process.poll() is None and sum(consumer.end_offsets(partitions).values()) < count:
        pass
    consumer.close()


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "interrupted"), (signal.SIGKILL, -9, "")],
)
def test_an_interrupted_produce_is_completed_exactly(
    job: Job, file: Path, number: signal.Signals, code: int, word: str
) -> None:
    for share in (0.3, 0.7):
        process = job.start("produce", str(file), "--rate", "30000")
        wait_until_sent(job, process, int(CALLS * share))
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        assert process.returncode == code, said
        assert word in said

    completed = job.run("produce", str(file))

    assert "the topic already holds" in completed.stderr
    assert in_topic(job) == in_file(file)
    assert "nothing to send: the topic already holds all 60,000 calls" in job.run("produce", str(file)).stderr


def test_another_file_is_refused_and_again_appends(job: Job, tmp_path: Path) -> None:
    one, other = tmp_path / "one.json", tmp_path / "other.ndjson"
    one.write_text(json.dumps([a_call(crime_id=str(n)) for n in range(7)]))
    other.write_text("\n".join(json.dumps(a_call(crime_id=str(n), city="elsewhere")) for n in range(7)))
    job.run("produce", str(one))

    refused = job.run("produce", str(other), check=False)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "holds records that are not from this file" in refused.stderr
    assert "--again" in refused.stderr
    appended = job.run("produce", str(one), "--again")
    assert "sent 7, acknowledged 7" in appended.stderr
    assert books(job.run("stream", "--until-end").stderr) == {
        "read": 14, "counted": 7, "duplicates": 7, "late": 0, "rejected": 0,
    }  # fmt: skip


def test_standard_input_and_file_order(make_job: Callable[..., Job]) -> None:
    job = make_job(partitions=1)
    calls = [a_call(crime_id=str(n), call_date_time=f"2018-10-12T14:0{n}:00.000") for n in range(3)]
    command = [sys.executable, "-m", "sf_police", "produce", "-", "--order", "file"]

    subprocess.run(command, input=json.dumps(calls[::-1]), text=True, env=job.env, cwd=ROOT, check=True, timeout=60)

    assert [key for key, _ in in_topic(job, 1)[0]] == [b"2", b"1", b"0"]


def test_a_second_producer_at_once_is_refused(job: Job, file: Path) -> None:
    first = job.start("produce", str(file), "--rate", "5000")
    wait_until_sent(job, first, 1)

    second = job.run("produce", str(file), check=False)

    first.send_signal(signal.SIGINT)
    first.communicate(timeout=60)
    assert second.returncode == 1
    assert f"another `produce` or `follow` is sending to {job.topic}" in second.stderr


PACKED = gzip.compress(json.dumps([a_call()]).encode())
# name, what is in it (None: nothing is there), what is said of it
BAD_FILES: list[tuple[str, bytes | None, str]] = [
    ("missing.json", None, "cannot read {path}: No such file or directory; nothing was sent"),
    ("empty.json", b"", "{path} is empty: expected records, as a JSON array or one per line; nothing was sent"),
    ("none.json", b"[]", "{path} is an empty array: expected at least one record; nothing was sent"),
    ("cut.json", json.dumps([a_call()] * 3).encode()[:500], "{path} at byte 500: cut short inside a record; nothing"),
    ("text.json", b"hello", "{path} at byte 0: not a record: expected `{{`; nothing was sent"),
    (
        "page.json",
        b"<!DOCTYPE html><html>",
        "{path} is an HTML page, not JSON; nothing was sent: download",
    ),
    ("other.json", b'[{"crime_id": "1"}]', "{path}: its first object lacks original_crime_type_name, call_date_time, "),
    (
        "number.json",
        json.dumps([a_call(crime_id=1)]).encode(),
        "{path}: crime_id is a number in its first object, but ",
    ),
    (
        "large.json",
        json.dumps([a_call(city="x" * 1_100_000)]).encode(),
        "record 1 of the file (key b'182850001') takes",
    ),
    ("sum.json.gz", PACKED[:-8] + b"12345678", "cannot read {path}: CRC check failed"),
]


def test_every_bad_file_gets_one_clear_line_and_nothing_is_sent(job: Job, tmp_path: Path) -> None:
    for name, data, message in BAD_FILES:
        path = tmp_path / name
        if data is not None:
            path.write_bytes(data)
        done = job.run("produce", str(path), check=False)
        assert (done.returncode, done.stdout) == (1, ""), name
        assert done.stderr.startswith("error: " + message.format(path=path)), done.stderr
        assert done.stderr.count("\n") == 1
    assert "Is a directory; nothing was sent" in job.run("produce", str(tmp_path), check=False).stderr
    assert in_topic(job) == [[], [], []]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_named(job: Job, tmp_path: Path) -> None:
    path = tmp_path / "secret.json"
    path.write_text("[]")
    path.chmod(0)
    assert "Permission denied" in job.run("produce", str(path), check=False).stderr


def test_batches_keep_to_the_topics_own_limit(make_job: Callable[..., Job], tmp_path: Path) -> None:
    job = make_job(partitions=0)
    admin = KafkaAdminClient(bootstrap_servers=job.kafka)
    admin.create_topics([NewTopic(job.topic, 1, 1, topic_configs={"max.message.bytes": "2000"})])
    admin.close()
    path = tmp_path / "calls.json"
    noise = random.Random(1)
    calls = [a_call(crime_id=str(n), address=noise.randbytes(200).hex()) for n in range(50)]
    path.write_text(json.dumps(calls))

    assert "acknowledged 50" in job.run("produce", str(path)).stderr
    path.write_text(json.dumps([*calls, a_call(crime_id="x", address=noise.randbytes(2000).hex())]))
    refused = job.run("produce", str(path), "--again", check=False)
    assert refused.returncode == 1
    assert re.search(r"error: record \d+ was not acknowledged \(MessageSizeTooLargeError", refused.stderr)
    assert refused.stderr.count("\n") <= 3
