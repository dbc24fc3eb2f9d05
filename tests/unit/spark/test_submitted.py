"""What a submit decides, without one."""

from __future__ import annotations

import configparser
import re
import runpy

import pyspark
import pytest

from sf_police.errors import SfPoliceError, UsageError
from sf_police.spark import submitted
from tests.support.environment import ROOT
from tests.support.question import resolve

YARN = {"spark.master": "yarn", "spark.driver.memory": "4g"}


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The submit's own options of Spark."""
    found = dict(YARN)
    monkeypatch.setattr(submitted, "option", found.get)
    return found


def test_master_and_memory_are_the_submits(options: dict[str, str]) -> None:
    config = submitted.settled(resolve({}), given=(), say=pytest.fail)

    assert (config.spark_master, config.spark_driver_memory) == ("yarn", "4g")
    assert not config.is_local_master
    assert not config.has_loopback_master
    del options["spark.driver.memory"]
    assert submitted.settled(resolve({}), given=(), say=pytest.fail).spark_driver_memory == "1g"  # Spark's default


def test_the_same_master_may_be_named_and_another_one_is_refused(options: dict[str, str]) -> None:
    named = {"spark_master"}

    assert submitted.settled(resolve({"spark_master": "yarn"}), given=named, say=pytest.fail).spark_master == "yarn"
    with pytest.raises(UsageError) as refused:
        submitted.settled(resolve({"spark_master": "local[2]"}), given=named, say=pytest.fail)
    assert str(refused.value) == (
        "SPARK_MASTER=local[2] is not spark-submit's master, yarn: name it by spark-submit's --master alone"
    )


@pytest.mark.usefixtures("options")
def test_settings_that_do_not_count_are_said() -> None:
    said: list[str] = []

    submitted.settled(resolve({}), given={"window", "spark_driver_memory", "java_home"}, say=said.append)

    assert said == [
        "note: SPARK_DRIVER_MEMORY does not count under spark-submit: give spark-submit --driver-memory",
        "note: JAVA_HOME does not count under spark-submit: set JAVA_HOME for spark-submit",
    ]


def test_a_submit_of_another_spark_is_refused() -> None:
    submitted.ensure_version(pyspark.__version__)
    minor = pyspark.__version__.rpartition(".")[0]
    submitted.ensure_version(f"{minor}.9")

    with pytest.raises(SfPoliceError, match=re.escape(f"is of Spark 3.5.1, not {minor}: use the one of Spark {minor}")):
        submitted.ensure_version("3.5.1")


def test_the_file_for_a_submit_names_every_package_that_is_needed() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lines = setup["options"]["install_requires"].split("\n")
    packages = {re.match(r"[\w-]+", line)[0].lower() for line in lines if line and line[0] != "#"}  # type: ignore[index]

    needed = set(runpy.run_path(str(ROOT / "scripts" / "submit.py"))["NEEDED"])

    modules = {"kafka-python": "kafka", "pyspark": "sf_police"}  # a submit has its own Spark
    assert needed == {modules.get(name, name) for name in packages}
