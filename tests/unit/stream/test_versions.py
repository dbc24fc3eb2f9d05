"""Which versions a checkpoint was last run with: newer Sparks' are refused, others are said."""

from __future__ import annotations

import pyspark
import pytest

from sf_police import __version__
from sf_police.errors import SfPoliceError
from sf_police.stream.versions import check_versions, versions

NOW = {"spark_version": "4.2.0", "program_version": "1.1.0"}


def said(**stored: str) -> list[str]:
    lines = list[str]()
    check_versions(stored, "/check", say=lines.append, now=NOW)
    return lines


def test_what_runs_now_is_what_is_kept() -> None:
    assert versions() == {"spark_version": pyspark.__version__, "program_version": __version__}


def test_the_same_versions_and_checkpoints_from_before_they_were_kept_are_nothing_to_say() -> None:
    assert said(**NOW) == said() == []


@pytest.mark.parametrize("newer", ["4.2.1", "4.3.0", "4.10.0", "5.0.0", "4.3.0.dev1"])
def test_a_newer_spark_s_is_refused(newer: str) -> None:
    with pytest.raises(SfPoliceError) as refused:
        said(spark_version=newer)

    assert str(refused.value) == (
        f"the checkpoint /check was last run with Spark {newer}, newer than this one, 4.2.0, which may misread it: "
        f"run it with pyspark {newer}, or run `make reset` (deletes the checkpoint and the store)"
    )


@pytest.mark.parametrize("older", ["4.1.0", "4.1.12", "3.5.8"])
def test_an_older_spark_s_is_said(older: str) -> None:
    assert said(spark_version=older) == [
        f"the checkpoint /check was last run with Spark {older}, now 4.2.0: a newer Spark reads it, and the older one "
        "will be refused from now on"
    ]


@pytest.mark.parametrize("other", ["1.0.0", "2.0.0"])
def test_another_version_of_this_program_is_said(other: str) -> None:
    assert said(program_version=other) == [f"the checkpoint /check was last run with sf-police {other}, now 1.1.0"]
