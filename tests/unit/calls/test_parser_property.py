"""The strict parser against Python's own JSON under the same rules, on records that hypothesis has bent."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from tests.support.builders import PRODUCED, a_value, kafka_frame
from tests.support.oracle import judge
from tests.support.question import validated_records

GOOD = a_value(address="100 Block Of Kelp St", city="São Paulo 😀")
PIECES = [
    b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b" ", b"\t", b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b"null",
    b"1",
    b"-0", b"1e5", b"01", b"true", b"NaN", b"//", rb"\u0041", rb"\ud800", rb"\udc00", rb"\u0000", rb"\n", rb"\x",
    b'"crime_id":"2"', b'"disposition":null', b',"x":{}', b"2018-10-12T14:20:00.000", b"T24:00", b"0000", b"9999", b"'",
]  # fmt: skip


@st.composite
def bent_records(draw: st.DrawFn) -> bytes:
    """A good record with pieces put in, taken out or put over what is there."""
    record = GOOD
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(record)))
        taken = draw(st.sampled_from([0, 0, 1, 2, 5, 20, len(record)]))
        record = record[:at] + draw(st.sampled_from([b"", *PIECES])) + record[at + taken :]
    return record


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(values=st.lists(bent_records() | st.binary(max_size=40), min_size=150, max_size=150))
def test_the_parser_takes_what_the_rules_take(spark: SparkSession, values: list[bytes]) -> None:
    frame = kafka_frame(spark, list(values))
    timestamp = int(PRODUCED.timestamp() * 1000)

    judged = {row._offset: row for row in validated_records(frame).drop("event_time", "_timestamp").collect()}

    for offset, value in enumerate(values):
        call, row = judge(value, timestamp), judged[offset]
        assert (row.reason is None) == (call is not None), (value, row.reason)
        if call is not None:
            names = ("crime_id", "original_crime_type_name", "call_date_time", "disposition")
            assert [row[name] for name in names] == [call[name] for name in names]
