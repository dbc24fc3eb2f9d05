"""Numbers in records, and fields that are called as Kafka's columns are: both ways of the parser."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession

from sf_police.calls import QUESTION
from sf_police.question import Field
from sf_police.stream.pipeline import validated_records
from tests.support.builders import kafka_frame

# Fields that are called as Kafka's columns are.
METER = replace(
    QUESTION,
    fields=(
        Field("key"),
        Field("offset", "integer", is_required=True),
        Field("timestamp", is_required=True),
        Field("value", "decimal(5,2)", is_required=True),
        Field("partition", "decimal(3,0)"),
    ),
    id="offset",
    time="timestamp",
    time_form="2024-03-01T08:15:00Z",
    feed={},
)
ID = "offset is not an integer within 64 bits"
NUMBER = "value is not a number that fits decimal(5,2)"


def record(offset: str = "1", value: str = "1.5") -> bytes:
    text = f'{{"key":"k","offset":{offset},"timestamp":"2024-03-01T08:15:00Z","value":{value},"partition":7}}'
    return text.encode()


# literal of the id, what it is read as, reason
INTEGERS: list[tuple[str, int | None, str | None]] = [
    ("0", 0, None),
    ("-1", -1, None),
    ("999999999999999999", 999_999_999_999_999_999, None),
    ("9223372036854775807", 2**63 - 1, None),
    ("-9223372036854775808", -(2**63), None),
    ("9007199254740993", 2**53 + 1, None),
    ("9223372036854775808", None, ID),
    ("1.0", None, ID),
    ("1e3", None, ID),
    ('"1"', None, ID),
    ("true", None, ID),
    ("[1]", None, ID),
    ("{}", None, ID),
    ("null", None, "offset is null"),
    ("01", None, "not exactly one JSON object"),
    ("+1", None, "not exactly one JSON object"),
    ("1.", None, "not exactly one JSON object"),
]
DECIMALS: list[tuple[str, Decimal | None, str | None]] = [
    ("0", Decimal(0), None),
    ("-0.01", Decimal("-0.01"), None),
    ("999.99", Decimal("999.99"), None),
    ("999", Decimal(999), None),
    ("1.50", Decimal("1.50"), None),
    ("1.5000", Decimal("1.50"), None),
    ("0.1", Decimal("0.10"), None),
    ("1000", None, NUMBER),
    ("999.995", None, NUMBER),
    ("0.001", None, NUMBER),
    ("1e2", None, NUMBER),
    ("1e400", None, NUMBER),
    ("123456789012345678901234567890123456789012345", None, NUMBER),
    ('"1.5"', None, NUMBER),
    ("false", None, NUMBER),
    ("null", None, "value is null"),
]


@pytest.mark.parametrize("before", [b"", b" "], ids=["compact", "strict"])
@pytest.mark.parametrize(("field", "table"), [("offset", INTEGERS), ("value", DECIMALS)])
def test_numbers_are_taken_whole_or_rejected(
    spark: SparkSession, before: bytes, field: str, table: list[tuple[str, Any, str | None]]
) -> None:
    values: list[bytes | None] = [before + record(**{field: literal}) for literal, _, _ in table]

    rows = validated_records(kafka_frame(spark, values), question=METER).orderBy("_offset").collect()

    found = [(None if row.reason else row[field], row.reason) for row in rows]
    assert found == [(read, reason) for _, read, reason in table]


def test_fields_may_be_called_as_kafkas_columns_are(spark: SparkSession) -> None:
    [row] = validated_records(kafka_frame(spark, [record()]), question=METER).collect()

    assert (row.offset, row.timestamp, row.value) == (1, "2024-03-01T08:15:00Z", Decimal("1.50"))
    assert (row._offset, row._topic, f"{row.event_time}") == (0, "calls", "2024-03-01 08:15:00")


@pytest.mark.parametrize("before", [b"", b" "], ids=["compact", "strict"])
def test_an_integer_that_is_summed_is_no_larger_than_thousands_of_which_can_be(
    spark: SparkSession, before: bytes
) -> None:
    literals = ["999999999999999", "-999999999999999", "1000000000000000", "-1000000000000000", "9223372036854775807"]
    summed = replace(METER, sums=(Field("offset", "integer"),))
    values: list[bytes | None] = [before + record(offset=literal) for literal in literals]

    rows = validated_records(kafka_frame(spark, values), question=summed).orderBy("_offset").collect()

    assert [row.reason for row in rows] == [None, None, *["offset has more than 15 digits"] * 3]
