"""A second question: how many taxi rides start in a zone in 15 minutes, how are they usually paid, what do they earn?

Changes nothing in `sf_police/`, whose `calls/` it differs from on purpose: the id is a number, times end in Z, files
come oldest first, and a fare is summed. The machinery counts.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from examples.taxi_rides import schema
from examples.taxi_rides.generate import generate_rides
from examples.taxi_rides.headline import headline
from sf_police.config import Defaults
from sf_police.question import Field, Question

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def _fault() -> Column:
    from pyspark.sql import functions as F

    return F.when(F.col(schema.FARE) < 0, F.lit("fare is below zero"))


def _accepted(records: DataFrame) -> DataFrame:
    from examples.taxi_rides.transformations import accepted_rides

    return accepted_rides(records)


QUESTION = Question(
    name="taxi_rides",
    title="Taxi rides: how many start in a zone in 15 minutes, how are they usually paid, what do they earn?",
    fields=schema.FIELDS,
    id=schema.RIDE_ID,
    time=schema.PICKUP_TIME,
    time_form="2024-03-01T08:15:00Z",
    groups=(Field(schema.ZONE), Field(schema.PAYMENT)),
    rows="rides",
    sums=(Field(schema.FARE, "decimal(8,2)"),),
    fault=_fault,
    accepted=_accepted,
    groups_of=schema.groups_of_ride,
    answers=(files(__package__) / "answers.sql").read_text("utf-8"),
    spread="zones",
    headline=headline,
    labels={"usual_payment_rides": "its rides"},
    file_order="oldest first",
    generate=generate_rides,
    generated=50_000,
    seed=2024,
    defaults=Defaults(
        kafka_topic="examples.taxi_rides", window="15 minutes", watermark="5 minutes", data="rides.json",
        folder="taxi_rides",
    ),
)  # fmt: skip
