"""The topic by the commands: creating, looking at it, and Kafka's own tools beside ours."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from kafka import KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from sf_police.topic import admin
from sf_police.topic.clients import KafkaAccess
from sf_police.topic.probe import Probed, TopicProbe
from tests.support.builders import a_call, a_value
from tests.support.environment import ROOT, clean_environment
from tests.support.job import Job
from tests.support.waiting import eventually


def kafka_bin() -> Path:
    command = f'source {ROOT}/scripts/lib.sh && echo "$KAFKA_HOME"'
    home = subprocess.run(["bash", "-c", command], env=clean_environment(), capture_output=True, text=True, check=True)
    return Path(home.stdout.strip()) / "bin"


def test_creating_a_topic_twice_is_fine_and_with_other_partitions_an_error(make_job: Callable[..., Job]) -> None:
    job = make_job(partitions=0)

    assert "created, 3 partitions" in job.run("create-topic").stderr
    assert "already exists" in job.run("create-topic").stderr
    other = job.run("create-topic", PARTITIONS="4", check=False)
    assert other.returncode == 1
    assert f"topic {job.topic} already exists with 3 partitions, not 4: set PARTITIONS=3" in other.stderr


def test_only_the_very_topic_is_deleted_and_not_its_successor(job: Job) -> None:
    access = KafkaAccess(job.kafka, {})
    first = admin.describe_topic(access, job.topic)
    admin.delete_topic(access, first)
    eventually(lambda: job.run("create-topic"), AssertionError)

    admin.delete_topic(access, first)

    second = admin.describe_topic(access, job.topic)
    assert second.topic_id != first.topic_id
    admin.delete_topic(access, second)

    def is_gone() -> None:
        assert not admin.has_topic(access, job.topic)

    eventually(is_gone, AssertionError)


def test_a_topic_keeps_its_records_and_stamps_them_itself(job: Job) -> None:
    client = KafkaAdminClient(bootstrap_servers=job.kafka)
    described = client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, job.topic)])
    client.close()

    configs = described["topic"][job.topic]
    assert configs["retention.ms"]["value"] == "-1"
    assert configs["message.timestamp.type"]["value"] == "LogAppendTime"


def test_inspect_shows_offsets_and_the_first_and_last_records(make_job: Callable[..., Job]) -> None:
    job = make_job(partitions=2)
    job.send(a_value(crime_id="first"), a_value(crime_id="middle"), b"\x1b[31mred\x00", partition=1, key=None)

    shown = job.run("inspect").stdout

    assert f"{job.topic}: 3 offsets" in shown
    assert "first record: partition 1 offset 0" in shown
    assert '{"crime_id":"first"' in shown
    assert "last record: partition 1 offset 2" in shown
    assert r"\x1b[31mred\x00" in shown
    assert "\x1b" not in shown
    assert "middle" not in shown


def test_inspect_follows_the_topic_until_it_is_told_to_stop(job: Job) -> None:
    job.send(a_value(crime_id="before"))
    tail = job.start("inspect", "--follow")
    assert tail.stderr is not None
    assert "following" in tail.stderr.readline()

    job.send(a_value(crime_id="after"), partition=2)
    assert tail.stdout is not None
    shown = ""
    while '"crime_id":"after"' not in shown:
        shown += tail.stdout.readline()
    tail.send_signal(signal.SIGINT)
    tail.communicate(timeout=30)
    assert tail.returncode == 0
    assert re.search(r'^2:0  .*UTC  key k  \{"crime_id":"after"', shown, re.MULTILINE)


def test_inspect_and_produce_know_transactions(job: Job, tmp_path: Path) -> None:
    file = tmp_path / "calls.json"
    file.write_text(json.dumps([a_call(crime_id=str(n)) for n in range(2)]))
    job.run("produce", str(file))
    for ends in (KafkaProducer.commit_transaction, KafkaProducer.abort_transaction):
        with KafkaProducer(bootstrap_servers=job.kafka, transactional_id=f"{job.topic}-{ends.__name__}") as producer:
            producer.init_transactions()
            producer.begin_transaction()
            producer.send(job.topic, a_value(crime_id=ends.__name__), partition=0).get(timeout=30)
            ends(producer)

    shown = job.run("inspect").stdout

    # Offset 0 is the file's, 1 and 2 are a committed record and its mark, 3 and 4 an aborted one and its mark.
    assert "last record: partition 0 offset 1 " in shown
    assert '"crime_id":"commit_transaction"' in shown
    assert (
        "partition 0: offsets 2 to 4 hold no record (transaction markers, or records of open or aborted transactions)"
        in shown
    )
    assert "abort_transaction" not in shown
    refused = job.run("produce", str(file), check=False)
    assert (refused.returncode, "holds records that are not from this file" in refused.stderr) == (1, True)


def test_an_open_transaction_of_others_is_said(job: Job) -> None:
    job.send(a_value(crime_id="1"), partition=0)
    with KafkaProducer(bootstrap_servers=job.kafka, transactional_id=f"{job.topic}-open") as producer:
        producer.init_transactions()
        producer.begin_transaction()
        producer.send(job.topic, a_value(crime_id="2"), partition=0).get(timeout=30)
        job.send(a_value(crime_id="3"), partition=0)
        said = [job.run(*command).stderr for command in (["inspect"], ["stream", "--until-end"])]
        producer.abort_transaction()

    line = "2 offsets at the topic's end wait behind an open transaction of a producer: they are read once it ends\n"
    assert [line in text for text in said] == [True, True]
    assert "wait behind" not in job.run("inspect").stderr


def test_what_kafka_python_cannot_unpack_names_the_package(job: Job, tmp_path: Path) -> None:
    """The codecs that our clients lack; Kafka's own producer has them all."""
    file = tmp_path / "calls.json"
    file.write_text(json.dumps([a_call()]))
    console = [kafka_bin() / "kafka-console-producer.sh", "--bootstrap-server", job.kafka, "--topic", job.topic]
    subprocess.run(
        [*console, "--compression-codec", "snappy"], input="{}\n", env=clean_environment(), capture_output=True,
        text=True, timeout=60, check=True,
    )  # fmt: skip

    for command in (["inspect"], ["produce", str(file)]):
        done = job.run(*command, check=False)
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1] == (
            f"error: the records of {job.topic} are compressed with snappy, which kafka-python cannot read as "
            "installed: install python-snappy (`python -m pip install python-snappy`)"
        )


def test_inspect_of_an_empty_topic_ends(job: Job) -> None:
    assert "0 offsets" in job.run("inspect").stdout


def test_commands_without_a_topic_or_a_broker_say_what_to_do(make_job: Callable[..., Job]) -> None:
    job = make_job(partitions=0)

    for command in (["inspect"], ["produce"], ["stream", "--until-end"]):
        done = job.run(*command, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"error: no topic {job.topic} at {job.kafka}: run `make topic-create`\n"
        done = job.run(*command, KAFKA_BOOTSTRAP_SERVERS="localhost:1", check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "error: no broker at localhost:1: run `make kafka-start`\n"


def test_the_console_consumer_of_the_original_works_as_printed(job: Job) -> None:
    job.send(a_value(crime_id="seen"))
    command = [kafka_bin() / "kafka-console-consumer.sh", "--bootstrap-server", job.kafka, "--topic", job.topic]

    shown = subprocess.run(
        [*command, "--from-beginning", "--timeout-ms", "8000", "--max-messages", "1"],
        env=clean_environment(), capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip

    assert '"crime_id":"seen"' in shown.stdout


def test_every_tool_of_the_install_runs() -> None:
    tools = ["topics", "console-consumer", "console-producer", "consumer-groups", "configs", "get-offsets", "acls"]
    for tool in tools:
        path = kafka_bin() / f"kafka-{tool}.sh"
        assert os.access(path, os.X_OK)
        shown = subprocess.run(
            [path, "--version"], env=clean_environment(), capture_output=True, text=True, timeout=60, check=False
        )
        assert "4.4" in shown.stdout, (tool, shown.stderr)


def test_a_probe_tells_a_topic_that_is_not_there_from_brokers_that_are_not(job: Job) -> None:
    access = KafkaAccess(job.kafka, {})
    job.send(a_value())

    found = TopicProbe(access, job.topic, limit_s=60).ask()

    assert found.is_reachable
    assert found.topic is not None
    assert [partition.next_offset for partition in found.topic.partitions] == [1, 0, 0]
    assert TopicProbe(access, f"{job.topic}-not", limit_s=60).ask() == Probed(is_reachable=True, topic=None)
