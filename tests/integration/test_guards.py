"""What a stream must not go on from: one line, the way out, and nothing written."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from tests.support.builders import a_value
from tests.support.job import Job, books, jobs
from tests.support.waiting import wait_for_line


def snapshot(job: Job) -> dict[str, bytes]:
    """Every file of the checkpoint and of the store."""
    files = [path for path in job.state.rglob("*") if path.is_file() and path.name not in ("spark.log",)]
    return {str(path): path.read_bytes() for path in files if not path.name.endswith(("-wal", "-shm", ".lock"))}


def run_three_records(job: Job) -> Job:
    """In two batches."""
    job.send(*(a_value(crime_id=str(n)) for n in range(3)))
    job.run("stream", "--until-end", MAX_OFFSETS_PER_TRIGGER="2", STATE_PARTITIONS="2")
    return job


@pytest.fixture
def run_job(make_job: Callable[..., Job]) -> Job:
    """A job whose stream has run over three records."""
    return run_three_records(make_job(partitions=1))


@pytest.fixture(scope="module")
def pristine(kafka: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Job]:
    """The same, once for all; to be copied, not used."""
    for make in jobs(kafka, tmp_path_factory.mktemp("pristine"), request.node.name):
        yield run_three_records(make(partitions=1))


@pytest.fixture
def copied(pristine: Job, tmp_path: Path) -> Job:
    """A state folder of its own, on the topic of all."""
    shutil.copytree(pristine.state, tmp_path / "state")
    return Job(pristine.kafka, pristine.topic, tmp_path / "state")


def make_again(records: int) -> Callable[[Job], None]:
    def break_it(job: Job) -> None:
        admin = KafkaAdminClient(bootstrap_servers=job.kafka)
        admin.delete_topics([job.topic])
        admin.close()
        job.run("create-topic", PARTITIONS="1")
        job.send(*(a_value(crime_id=f"other {n}") for n in range(records)))

    return break_it


def swap_the_store_for_another_runs(job: Job) -> None:
    mine = job.state.with_name("mine")
    job.state.rename(mine)
    run_three_records(job)
    (mine / "checkpoint").rename(job.state / "other")
    shutil.rmtree(job.state / "checkpoint")
    (job.state / "other").rename(job.state / "checkpoint")


def change_offset(job: Job) -> None:
    path = job.state / "checkpoint" / "offsets" / "1"
    path.write_text(path.read_text().replace('"0":3}', '"0":2}'))


def cut(path: str) -> Callable[[Job], None]:
    def break_it(job: Job) -> None:
        file = job.state / path
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])

    return break_it


def remove(path: str) -> Callable[[Job], None]:
    def break_it(job: Job) -> None:
        for found in sorted(job.state.glob(path)):
            shutil.rmtree(found) if found.is_dir() else found.unlink()

    return break_it


CASES: list[tuple[str, Callable[[Job], object], dict[str, str], str]] = [
    ("another window", lambda _: None, {"WINDOW": "1 hour"}, "was made with window 30 minutes, not 1 hour"),
    ("another watermark", lambda _: None, {"WATERMARK": "1 hour"}, "was made with watermark 10 minutes, not 1 hour"),
    ("state partitions", lambda _: None, {"STATE_PARTITIONS": "3"}, "was made with STATE_PARTITIONS=2, not 3"),
    ("the store gone", remove("answers.db*"), {}, "has no store that belongs to it"),
    ("its metadata gone", remove("checkpoint/metadata"), {}, "is damaged (no metadata)"),
    ("its metadata cut", cut("checkpoint/metadata"), {}, "is damaged (unreadable metadata)"),
    ("an offset altered", change_offset, {}, "and the store disagree on the offsets of batch 1"),
    ("offsets cut", cut("checkpoint/offsets/1"), {}, "and the store disagree on the offsets of batch 1"),
    ("commits gone", remove("checkpoint/commits/*"), {}, "is at batch -1, its store at batch 1"),
    ("the last offsets gone", remove("checkpoint/offsets/1"), {}, "is damaged (the offsets of batch 1 are gone)"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("break_it", "settings", "message"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_wrong_state_is_refused_and_nothing_is_written(
    copied: Job, break_it: Callable[[Job], object], settings: dict[str, str], message: str
) -> None:
    break_it(copied)

    assert_refused(copied, message, settings)


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (make_again(5), "was made with topic_id"),
        (make_again(1), "was made with topic_id"),
        (swap_the_store_for_another_runs, "and the store belong to different streams"),
        (remove("checkpoint"), "the store has counts, but their checkpoint"),
    ],
    ids=["the topic made again, longer", "the topic made again, shorter", "another run's store", "the checkpoint gone"],
)
def test_another_topic_or_store_is_refused(run_job: Job, break_it: Callable[[Job], object], message: str) -> None:
    break_it(run_job)

    assert_refused(run_job, message, {})


def assert_refused(job: Job, message: str, settings: dict[str, str]) -> None:
    before = snapshot(job)

    rehearsed = job.run("stream", "--dry-run", check=False, **settings)
    assert (rehearsed.returncode, rehearsed.stderr) == (1, "")
    assert [message in line for line in rehearsed.stdout.splitlines() if line.startswith("wrong")] == [True]
    assert snapshot(job) == before

    refused = job.run("stream", "--until-end", check=False, **settings)

    assert (refused.returncode, refused.stdout) == (1, ""), refused.stderr
    assert message in refused.stderr
    assert "make reset" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert snapshot(job) == before


def test_reset_deletes_checkpoint_and_store_and_nothing_else(run_job: Job) -> None:
    kept = run_job.state / "calls.json"
    kept.write_text("[]")

    run_job.run("reset")

    assert sorted(path.name for path in run_job.state.iterdir()) == ["calls.json", "spark.log"]
    assert books(run_job.run("stream", "--until-end").stderr)["counted"] == 3


def test_a_second_stream_on_one_checkpoint_is_refused_and_sigterm_ends_the_first(run_job: Job) -> None:
    first = run_job.start("stream")
    wait_for_line(first, "resuming from the checkpoint")

    refused = run_job.run("stream", "--until-end", check=False)
    assert refused.returncode == 1
    assert "another stream is running on the checkpoint" in refused.stderr
    reset = run_job.run("reset", check=False)
    assert reset.returncode == 1
    run_job.send(a_value(crime_id="4"))
    assert "batch 2: 1 rows" in wait_for_line(first, "batch ")
    first.send_signal(signal.SIGTERM)
    _, said = first.communicate(timeout=60)
    assert first.returncode == 0, said
    assert books(said)["counted"] == 4


def test_an_interrupted_run_to_the_end_says_so_and_goes_on(make_job: Callable[..., Job]) -> None:
    job = make_job(partitions=1)
    job.send(*(a_value(crime_id=str(n)) for n in range(200)))
    first = job.start("stream", "--until-end", MAX_OFFSETS_PER_TRIGGER="2")
    assert "runs in one task" in wait_for_line(first, "MAX_OFFSETS_PER_TRIGGER=2 ")
    assert "batch 0" in wait_for_line(first, "batch ")
    first.send_signal(signal.SIGINT)
    _, said = first.communicate(timeout=60)

    assert first.returncode == 130
    assert "interrupted before the end" in said
    assert books(job.run("stream", "--until-end").stderr)["counted"] == 200


def test_records_that_are_gone_before_they_were_read_end_the_stream(run_job: Job) -> None:
    run_job.send(*(a_value(crime_id=f"more {n}") for n in range(5)))
    admin = KafkaAdminClient(bootstrap_servers=run_job.kafka)
    admin.delete_records({TopicPartition(run_job.topic, 0): 6})
    admin.close()

    done = run_job.run("stream", "--until-end", check=False)

    assert done.returncode == 1
    assert "records that the stream has not read are gone from the topic" in done.stderr
    refused = run_job.run("produce", "-", check=False)
    assert refused.returncode == 1


def test_late_calls_bring_one_warning(make_job: Callable[..., Job]) -> None:
    job = make_job(partitions=1)
    times = ["14:00", "18:00", "18:00", "14:00", "14:00", "14:01"]
    job.send(*(a_value(crime_id=str(n), call_date_time=f"2018-10-12T{t}:00.000") for n, t in enumerate(times)))

    done = job.run("stream", "--until-end", MAX_OFFSETS_PER_TRIGGER="1")

    assert books(done.stderr) == {"read": 6, "counted": 3, "duplicates": 0, "late": 3, "rejected": 0}
    assert done.stderr.count("warning: some records are late") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["stream", "--window", "7 minutes"], "error: --window 7 minutes: expected"),
        (
            ["stream", "--trigger", "1 second", "--until-end"],
            "error: --trigger 1 second cannot be combined with --until-end, which runs without pauses",
        ),
        (["stream", "--state-partitions", "0"], "error: --state-partitions 0: expected a whole number"),
        (["stream", "--store", "mysql://x/y"], "error: --store"),
        (["stream", "--unknown"], "unrecognized arguments: --unknown"),
        (["produce", "--rate", "0"], "argument --rate: 0: expected a number above 0"),
        (["answer", "--limit", "0"], "argument --limit"),
        (["nonsense"], "invalid choice"),
    ],
)
def test_usage_errors_exit_with_2(tmp_path: Path, kafka: str, arguments: list[str], message: str) -> None:
    job = Job(kafka, "none", tmp_path)

    done = job.run(*arguments, check=False)

    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert message in done.stderr


def test_without_a_command_the_help_is_shown(tmp_path: Path, kafka: str) -> None:
    done = Job(kafka, "none", tmp_path).run()

    assert (done.returncode, done.stderr) == (0, "")
    assert "sf-police COMMAND [OPTION...]" in done.stdout


def test_no_java_and_no_jars_are_named(job: Job, tmp_path: Path) -> None:
    job.send(a_value())
    for settings, message in (
        ({"JAVA_HOME": str(tmp_path)}, f"error: no Java in JAVA_HOME={tmp_path}: install Java 17 or 21"),
        ({"JARS_DIR": str(tmp_path)}, "error: no jars of Spark's Kafka connector in"),
    ):
        done = job.run("stream", "--until-end", check=False, **settings)
        assert done.returncode == 1
        assert done.stderr.startswith(message)
        assert done.stderr.count("\n") == 1
