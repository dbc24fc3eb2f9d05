"""spark-submit, as Spark's users start the job: a wheel by --py-files, and the file that is in it. More in cluster/."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.invariants import assert_exact
from tests.support.job import Job, books
from tests.support.records import some_records
from tests.support.submit import Submit
from tests.support.wheel import built_wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built once."""
    return built_wheel(tmp_path_factory.mktemp("wheel"))


def test_a_submit_from_a_wheel_is_exact_and_has_its_own_settings(job: Job, wheel: Path, tmp_path: Path) -> None:
    some_records(job)
    submit = Submit(job, wheel)
    defaults = tmp_path / "conf" / "spark-defaults.conf"
    defaults.parent.mkdir()
    # The first holds; the second would shift every event time, and must not.
    events = tmp_path / "events"
    events.mkdir()
    defaults.write_text(
        f"spark.master local[2]\nspark.eventLog.enabled true\nspark.eventLog.dir {events}\n"
        f"spark.sql.session.timeZone Asia/Kolkata\nspark.jars {submit.jars}\n"
    )

    done = submit.run(
        "stream", "--until-end", options=[], SPARK_CONF_DIR=str(defaults.parent), TZ="Asia/Kolkata", JARS_DIR="/nowhere"
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert books(done.stdout) == assert_exact(job)
    assert "Traceback" not in done.stdout + done.stderr
    notes = [line for line in done.stdout.splitlines() if line.startswith("note: ")]
    assert notes == [
        "note: SPARK_DRIVER_MEMORY does not count under spark-submit: give spark-submit --driver-memory",
        "note: JARS_DIR does not count under spark-submit: give spark-submit --packages or --jars",
    ]
    assert list(events.iterdir())


def test_a_submit_without_the_connector_is_told_what_to_add(job: Job, wheel: Path) -> None:
    done = Submit(job, wheel).run("stream", "--until-end", options=["--master", "local[1]"])

    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == (
        "error: spark-submit has no Kafka connector (no class org.apache.spark.sql.kafka010.KafkaSourceProvider): add "
        "`--packages org.apache.spark:spark-sql-kafka-0-10_2.13:4.2.0`, or its jars by --jars"
    )
    assert "Traceback" not in done.stdout + done.stderr
