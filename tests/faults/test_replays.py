"""A micro-batch that runs again, for whatever reason, is stored once; what must not be stored is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from sf_police import __version__
from sf_police.calls import QUESTION
from tests.support.brokers import Brokers
from tests.support.builders import a_value
from tests.support.crash_points import OLDER, run_dying
from tests.support.fault_table import fault
from tests.support.invariants import assert_exact
from tests.support.job import Job, books
from tests.support.records import some_records

AT_THE_COMMITS = "between the store's commit and Spark's"


@pytest.mark.quick
def test_a_replay_may_choose_another_of_two_duplicates(brokers: Brokers, tmp_path: Path) -> None:
    job = Job(brokers.servers, QUESTION.defaults.kafka_topic, tmp_path / "job")
    job.run("create-topic")
    # Three versions of each call, one in a partition. A first run reads the partitions in the order of a hash of the
    # topic's name, a replay in that of their numbers; for this name these differ.
    for partition in range(3):
        job.send(
            *(a_value(crime_id=str(n), original_crime_type_name=f"version {partition}") for n in range(1_000)),
            partition=partition,
        )
    run_dying(job, "between the store's commit and Spark's", 0)

    with fault("a replay that counts another one of two duplicates with different contents", "one of them counts"):
        done = job.run("stream", "--until-end")
    assert books(done.stderr) == {"read": 3_000, "counted": 1_000, "duplicates": 2_000, "late": 0, "rejected": 0}
    assert json.loads(job.run("answer", "--format", "json").stdout)["totals"]["calls"] == 1_000


@pytest.mark.quick
def test_a_stage_that_ran_twice_is_not_counted_twice(make_job: Callable[..., Job]) -> None:
    job = make_job()
    some_records(job)
    options = {"SPARK_MASTER": "local[1]", "STATE_PARTITIONS": "3"}

    with fault("a stage runs twice, as its results were lost, so that Spark doubles its metrics", "run again; exact"):
        done = job.run("stage-twice", "stream", "--until-end", module="tests.support.other_versions", **options)
    assert (job.state / "lost-once").exists()
    assert "nothing was stored; running it again" in done.stderr
    assert assert_exact(job)["rejected"] > 0


@pytest.mark.quick
def test_an_upgrade_between_the_two_commits(make_job: Callable[..., Job]) -> None:
    job = make_job()
    some_records(job)
    run_dying(job, AT_THE_COMMITS + OLDER, 1, MAX_OFFSETS_PER_TRIGGER="100")

    with fault("an upgrade to a version that judges otherwise, between the two commits", "refused, with the way out"):
        refused = job.run("stream", "--until-end", check=False, MAX_OFFSETS_PER_TRIGGER="100")
    assert refused.returncode == 1
    [line] = [line for line in refused.stderr.splitlines() if line.startswith("error: ")]
    assert f"batch 1 was stored by version 0.9 of this program, and version {__version__} makes something else" in line
    assert "let the version that stored it finish the batch" in line
    older = job.run("older", "stream", "--until-end", module="tests.support.other_versions")
    assert books(older.stderr)["read"] == 600


@pytest.mark.quick
def test_two_drivers_on_one_store(make_job: Callable[..., Job]) -> None:
    job = make_job()
    some_records(job)
    run_dying(job, "after the offsets file", 1, MAX_OFFSETS_PER_TRIGGER="50")
    other = Job(job.kafka, job.topic, Path(f"{job.state} of another driver"))
    shutil.copytree(job.state / "checkpoint", other.state / "checkpoint")
    store = f"sqlite:///{job.state / 'answers.db'}"

    for each in (job, other):
        each.module = "tests.support.other_versions"

    with fault("two drivers on copies of a checkpoint and one store, with different caps", "one goes on; exact"):
        drivers = [
            each.start("not-held", "stream", "--until-end", STORE=store, MAX_OFFSETS_PER_TRIGGER=cap)
            for each, cap in ((job, "50"), (other, "40"))
        ]
        said = [driver.communicate(timeout=240)[1] for driver in drivers]
    assert sorted(driver.returncode for driver in drivers) == [0, 1], said
    [line] = [line for text in said for line in text.splitlines() if line.startswith("error: ")]
    assert "makes something else of it" in line or "does not follow" in line or "one of them was changed" in line
    assert_exact(job)


@pytest.mark.quick
def test_without_removal_of_duplicates_every_accepted_record_counts(make_job: Callable[..., Job]) -> None:
    job = make_job()
    job.module = "tests.support.other_versions"
    values = [
        a_value(crime_id=str(n % 40), call_date_time=f"2018-10-{28 - n % 28:02}T14:00:00.000") for n in range(100)
    ]
    job.send(*values, b"junk", partition=1)
    command = ("with-duplicates", "stream", "--until-end")

    done = job.run(*command, MAX_OFFSETS_PER_TRIGGER="20")

    assert books(done.stderr) == {"read": 101, "counted": 100, "duplicates": 0, "late": 0, "rejected": 1}
    document = json.loads(job.run("with-duplicates", "answer", "--format", "json").stdout)
    assert [(row["calls"], row["window_start"][8:10]) for row in document["windows"]] == [
        (4 if day > 12 else 3, f"{day:02}") for day in range(1, 29)
    ]
    assert books(job.run(*command).stderr)["counted"] == 100
    with fault("the store of a question that keeps duplicates, given to one that drops them", "refused"):
        refused = job.run("stream", "--until-end", check=False, module="sf_police")
    assert refused.returncode == 1
    assert "made with another definition of sf_police (changed: id)" in refused.stderr


@pytest.mark.quick
def test_partitions_are_added_while_a_planned_batch_with_rejected_records_waits(make_job: Callable[..., Job]) -> None:
    job = make_job(partitions=1)
    job.send(*(b"junk" if n % 10 == 0 else a_value(crime_id=str(n)) for n in range(60)))
    run_dying(job, "in the store's transaction", 1, MAX_OFFSETS_PER_TRIGGER="20")
    with closing(KafkaAdminClient(bootstrap_servers=job.kafka)) as admin:
        admin.create_partitions({job.topic: 3})
    job.send(a_value(crime_id="one more"), partition=2)

    with fault("partitions added while a planned micro-batch with rejected records waits", "exact"):
        done = job.run("stream", "--until-end", MAX_OFFSETS_PER_TRIGGER="20")
    assert books(done.stderr) == {"read": 61, "counted": 55, "duplicates": 0, "late": 0, "rejected": 6}
