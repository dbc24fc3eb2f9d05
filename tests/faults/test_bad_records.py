"""Bad records among good ones, and a producer's own clock: rejected with a reason, and the stream goes on."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from kafka.admin import KafkaAdminClient, NewTopic

from tests.support.builders import a_call, a_value
from tests.support.fault_table import fault
from tests.support.invariants import assert_exact
from tests.support.job import Job
from tests.support.parser_table import TABLE


@pytest.mark.quick
def test_every_bad_record_among_good_ones(make_job: Callable[..., Job]) -> None:
    """The parser's whole table, by way of a topic, against Python's own JSON under the same rules."""
    job = make_job()
    values = [value for name, value, _ in TABLE if name != "nested 100,000 deep"]
    job.send(*values)
    job.send(*(value for value in values[::-1] if value is not None), key=None, partition=1)
    hostile = ["<script>", "=cmd()", "\x1b[31m", "\r\n", "../../x", "x" * 10_000, "'; DROP TABLE counts; --"]
    job.send(
        *(json.dumps(a_call(crime_id=str(n), original_crime_type_name=text)).encode() for n, text in enumerate(hostile))
    )

    with fault(f"{sum(1 for _, _, reason in TABLE if reason)} kinds of bad record", "kept whole, each with its reason"):
        job.run("stream", "--until-end", MAX_OFFSETS_PER_TRIGGER="70")
    # Not all twice: without a key there is no record without a value, and the clock has gone on since the table.
    kinds = sum(1 for name, _, reason in TABLE if reason and name != "nested 100,000 deep")
    assert assert_exact(job)["rejected"] > 1.9 * kinds
    assert "\x1b" not in job.run("answer", "--by", "crime-type", "--limit", "50").stdout


def test_a_producers_own_clock_may_say_anything(make_job: Callable[..., Job]) -> None:
    job = make_job(partitions=0)
    own_clock = {
        "retention.ms": "-1",
        "message.timestamp.type": "CreateTime",
        "message.timestamp.after.max.ms": str(2**63 - 1),
    }
    admin = KafkaAdminClient(bootstrap_servers=job.kafka)
    admin.create_topics([NewTopic(job.topic, 1, 1, topic_configs=own_clock)])
    admin.close()
    for clock in (0, 1, 2**53):
        last = [a_value(crime_id=year, call_date_time=f"{year}-12-31T23:59:59.999") for year in ("2999", "9999")]
        more = last if clock == 2**53 else [b"", a_value(call_date_time="9999-12-31T23:59:59.999")]
        job.send(a_value(crime_id=f"{clock}"), *more, timestamp_ms=clock, headers=[("h", b"\xff"), ("h", b"")])

    with fault("Kafka timestamps 0, 1 and 2^53 ms, and headers", "exact: such a clock bounds nothing"):
        job.run("stream", "--until-end")
    assert assert_exact(job) == {"read": 9, "counted": 4, "duplicates": 0, "late": 0, "rejected": 5}
    for command in ("answer", "report", "verify"):
        job.run(command)
