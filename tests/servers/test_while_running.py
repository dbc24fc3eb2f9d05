"""Guards that hold while the stream runs: another topic, more partitions, and transactions, on a real broker."""

from __future__ import annotations

import json
import signal
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from tests.support.builders import a_value
from tests.support.job import Job, books
from tests.support.waiting import eventually, wait_for_line


def calls(names: Iterable[object]) -> list[bytes]:
    return [a_value(crime_id=str(name)) for name in names]


def stored(job: Job, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(job.state / "answers.db")) as connection:
        return connection.execute(query).fetchall()


def all_are_stored(job: Job, number: int) -> None:
    assert stored(job, "SELECT SUM(calls) FROM counts") == [(number,)]


@pytest.mark.parametrize("records", [20, 50], ids=["as many records", "more records"])
def test_a_topic_that_is_made_again_while_the_stream_is_idle_is_refused_and_not_counted(
    make_job: Callable[..., Job], records: int
) -> None:
    job = make_job(partitions=1)
    job.send(*calls(range(20)))
    stream = job.start("stream", TRIGGER="8 seconds")
    assert "batch 0: 20 rows" in wait_for_line(stream, "batch ")

    admin = KafkaAdminClient(bootstrap_servers=job.kafka)
    admin.delete_topics([job.topic])
    admin.create_topics({job.topic: {"num_partitions": 1}}, wait_for_metadata=True)
    admin.close()
    job.send(*calls(f"other {n}" for n in range(records)))
    if records == 20:  # nothing new as far as Spark can see; then there is
        job.send(*calls(["one more"]))
    _, said = stream.communicate(timeout=120)

    assert stream.returncode == 1
    assert said.splitlines()[-1].startswith("error: ")
    assert "was made with topic_id" in said
    assert stored(job, "SELECT batch_id, read FROM batches") == [(0, 20)]
    assert stored(job, "SELECT SUM(calls) FROM counts") == [(20,)]
    again = job.run("stream", "--until-end", check=False)
    assert "was made with topic_id" in again.stderr


def test_partitions_that_are_added_are_counted_and_no_damage(make_job: Callable[..., Job]) -> None:
    job = make_job(partitions=1)
    job.send(*calls(range(3)))
    stream = job.start("stream")
    wait_for_line(stream, "batch 0")

    def add(partitions: int) -> None:
        admin = KafkaAdminClient(bootstrap_servers=job.kafka)
        admin.create_partitions({job.topic: partitions})
        admin.close()

    add(2)
    job.send(*calls(range(3, 7)), partition=1)
    line = wait_for_line(stream, "partitions now")
    assert f"the topic {job.topic} has 2 partitions now, 1 before; nothing is damaged" in line
    eventually(lambda: all_are_stored(job, 7), AssertionError)
    stream.terminate()
    _, said = stream.communicate(timeout=60)
    assert (stream.returncode, books(said)["counted"]) == (0, 7)

    silent = job.run("stream", "--until-end")
    assert "partitions now" not in silent.stderr
    add(3)
    job.send(*calls(["last"]), partition=2)
    done = job.run("stream", "--until-end")
    assert done.stderr.count("has 3 partitions now, 2 before; nothing is damaged") == 1
    assert books(done.stderr)["counted"] == 8


def send_transactions(job: Job) -> KafkaProducer:
    """150 calls that are committed and 150 that are aborted, and rejected records; the last transaction stays open."""
    producer = KafkaProducer(bootstrap_servers=job.kafka, transactional_id=job.topic)
    producer.init_transactions()

    def send(values: list[bytes], *, end: str) -> None:
        producer.begin_transaction()
        for value in values:
            producer.send(job.topic, value, key=b"k", partition=0)
        producer.flush()
        if end:
            getattr(producer, f"{end}_transaction")()

    for turn in range(3):
        send(calls(range(100 * turn, 100 * turn + 50)), end="commit")
        send(calls(range(100 * turn + 50, 100 * turn + 100)), end="abort")
    send([b"no call"] * 50, end="abort")
    send([b"no call"], end="commit")
    send(calls(range(1_000, 1_050)), end="")
    return producer


def test_aborted_and_open_transactions_are_not_counted(make_job: Callable[..., Job]) -> None:
    job = make_job(partitions=1)
    producer = send_transactions(job)

    done = job.run("stream", "--until-end", MAX_OFFSETS_PER_TRIGGER="120")

    # 351 records and 8 markers stand before the open transaction.
    assert books(done.stderr) == {"read": 151, "counted": 150, "duplicates": 0, "late": 0, "rejected": 1, "record": 208}
    assert stored(job, 'SELECT "offset" FROM rejected') == [(357,)]
    producer.abort_transaction()
    producer.close()
    job.send(*calls(["after it"]))
    again = job.run("stream", "--until-end")
    assert books(again.stderr)["counted"] == 151


def test_the_properties_may_ask_for_uncommitted_records(make_job: Callable[..., Job]) -> None:
    job = make_job(partitions=1)
    producer = send_transactions(job)
    job.run("stream", "--until-end")
    properties = job.state / "client.properties"
    properties.write_text("isolation.level=read_uncommitted\n")
    uncommitted = {"KAFKA_CLIENT_PROPERTIES": str(properties)}

    refused = job.run("stream", "--until-end", check=False, **uncommitted)
    assert "was made with isolation_level read_committed, not read_uncommitted" in refused.stderr
    job.run("reset")
    every = job.run("stream", "--until-end", **uncommitted)
    assert books(every.stderr)["read"] == 401
    assert json.loads(job.run("answer", "--format", "json").stdout)["totals"]["calls"] == 350
    producer.abort_transaction()
    producer.close()


def test_no_second_stream_and_no_reset_takes_a_running_streams_store(make_job: Callable[..., Job]) -> None:
    job = make_job(partitions=1)
    job.send(*calls(range(3)))
    stream = job.start("stream")
    wait_for_line(stream, "batch ")
    link = job.state.with_name("link")
    link.symlink_to(job.state / "checkpoint")

    other = ("--checkpoint", str(job.state / "other"))
    said = [job.run(*command, *other, check=False) for command in (("stream", "--until-end"), ("reset",))]
    linked = job.run("stream", "--checkpoint", str(link), "--store", f"sqlite:///{job.state}/another.db", check=False)
    eventually(lambda: all_are_stored(job, 3))
    stream.send_signal(signal.SIGINT)
    stream.communicate(timeout=60)
    afterwards = [job.run(*command, *other, check=False) for command in (("stream", "--until-end"), ("reset",))]

    assert [done.returncode for done in (*said, linked, *afterwards)] == [1] * 5
    assert ["a stream is running into the store at" in done.stderr for done in said] == [True, True]
    assert "another stream is running on the checkpoint" in linked.stderr
    mine = f"belongs to the checkpoint {job.state}/checkpoint, not to {job.state}/other"
    assert [mine in done.stderr and "make reset" not in done.stderr for done in afterwards] == [True, True]
    assert sorted(path.name for path in job.state.iterdir()) == ["answers.db", "checkpoint", "spark.log"]
    all_are_stored(job, 3)
