"""The question: how many types of crime occur in a 30-minute window, and what is the usual resolution?

Copy this folder to ask about a topic of your own. It defines `QUESTION`; Spark is imported only by the functions that
need it, when they are called.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from sf_police.calls import schema
from sf_police.calls.dispositions import NOT_RECORDED
from sf_police.calls.generate import CALLS, SEED, generate_calls
from sf_police.calls.groups import groups_of_call
from sf_police.calls.headline import headline
from sf_police.config import Defaults
from sf_police.question import Field, Question

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def _accepted(records: DataFrame) -> DataFrame:
    from sf_police.calls.transformations import accepted_calls

    return accepted_calls(records)


def _counts(calls: DataFrame, *, window: str) -> DataFrame:
    from sf_police.calls.transformations import count_calls_by_window

    return count_calls_by_window(calls, window=window)


QUESTION = Question(
    name="sf_police",
    title="San Francisco police calls for service: a file, a Kafka topic, a Spark stream, one answer.",
    asks="How many different types of crime occur in a 30-minute window, and what is the usual resolution?",
    fields=schema.FIELDS,
    id=schema.CRIME_ID,
    time=schema.CALL_DATE_TIME,
    time_form="2018-12-31T23:57:00.000",
    groups=(Field(schema.CRIME_TYPE), Field(schema.RESOLUTION)),
    rows=schema.CALLS,
    feed={"type": schema.CRIME_TYPE_NAME, "resolution": schema.DISPOSITION},
    accepted=_accepted,
    counts=_counts,
    groups_of=groups_of_call,
    answers=(files(__package__) / "answers.sql").read_text("utf-8"),
    spread="crime_types",
    headline=headline,
    labels={"usual_resolution_calls": "its calls"},
    no_vote=NOT_RECORDED,
    time_zone="America/Los_Angeles",
    file_order="newest first",
    generate=generate_calls,
    generated=CALLS,
    seed=SEED,
    defaults=Defaults(
        kafka_topic="udacity_projects.sf_crime_rate.pd_calls_for_service",
        window="30 minutes",
        watermark="10 minutes",
        data="calls.json",
    ),
)
